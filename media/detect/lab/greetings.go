package main

// tongue is what is said on the telephone in a language, in words of our own. A bar parts what
// may be said with a pause between; {name}, {company} and {digits} are filled in.
type tongue struct {
	code                                                  string // of espeak-ng
	names, companies, digits                              []string
	hello, again, business, machine, short, network, asks []string
}

var tongues = []tongue{
	{
		code: "en", names: []string{"John", "Mary Miller", "Susan", "Doctor Brown", "Peter Novak", "Kim"},
		companies: []string{"Harbour Dental", "Green and Sons", "Northside Motors", "the Riverside Hotel", "Bakers Lane Pharmacy", "City Plumbing", "Quick Print", "the school office"},
		digits:    []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"},
		hello: []string{"Hello?", "Hello, hello?", "Yes?", "Yeah?", "Hi.", "Hi, this is {name}.", "{name} speaking.", "{name}.", "Hello, | who is this?", "Good morning.", "Good evening?", "Yes, hello?", "Hey, what's up?", "Who's calling?",
			"Hello, | {name} here.", "Speaking.", "Mm-hm?", "Just a second. | Hello?", "Hi, can I call you back?", "Hello, the Millers."},
		again: []string{"Hello?", "Anybody there?", "Who is it?", "Hello, can you hear me?", "Yes?"},
		business: []string{"{company}, | how can I help you?", "Good morning, {company}, | {name} speaking.", "Thank you for calling {company}, | this is {name}, | how may I help?", "{company}.", "{company}, {name} speaking, | good afternoon.",
			"Hello, {company}, | what can I do for you?", "Good afternoon, you're through to {name} at {company}.", "{company}, sales department, | {name}.", "Hi, thanks for calling {company}. | Who am I speaking with?", "Reception, | {name}."},
		machine: []string{"Hi, this is {name}. | I can't come to the phone right now. | Please leave a message after the tone, | and I'll call you back.", "You've reached {name}. | Leave your name and number, | and I will get back to you.",
			"Hello, you have reached {company}. | Our office is closed at the moment. | We are open Monday to Friday, | from nine to five. | Please leave a message.", "You have reached | {digits}. | Nobody is here to take your call. | Leave a message after the beep.",
			"The person you are calling | is not available. | At the tone, please record your message. | When you have finished, you may hang up.", "Hey, it's {name}, | sorry I missed you. | You know what to do.", "Thank you for calling {company}. | All our lines are busy. | Your call matters to us. | Please stay on the line, or leave a message.",
			"Your call has been forwarded to a voice mailbox. | {name} | is not available. | Record your message after the tone."},
		short: []string{"This is {name}. | Leave a message.", "Not here. | Leave a message.", "Please leave a message after the tone.", "{name}. | After the beep, please.", "Hi, you've got {name}'s voicemail."},
		network: []string{"The number you have dialled | is not in service. | Please check the number and try again.", "The person you have called cannot be reached at the moment.", "We're sorry. | Your call cannot be completed as dialled.",
			"The mobile phone you are calling is switched off. | Please try later.", "This number does not accept calls | from withheld numbers.", "The mailbox is full | and cannot take any messages. | Goodbye."},
		asks: []string{"Hi, the person you are calling uses a screening service. | Please say your name | and why you are calling.", "Before I try to connect you, | can I ask what this is about?", "Please state your name after the tone, | and I will see if they are free."},
	},
	{
		code: "es-419", names: []string{"Juan", "María López", "Carmen", "Pedro"}, companies: []string{"Clínica del Sol", "Talleres Rojas", "Hotel Central", "Farmacia Nueva"}, digits: []string{"cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"},
		hello: []string{"¿Hola?", "¿Bueno?", "¿Sí?", "¿Diga?", "Sí, dígame.", "¿Aló?", "Hola, | soy {name}.", "¿Quién habla?", "Buenas tardes.", "Sí, | ¿quién es?"}, again: []string{"¿Hola?", "¿Quién es?", "¿Me escucha?"},
		business: []string{"{company}, | buenos días, | ¿en qué le puedo ayudar?", "{company}, le habla {name}.", "Buenas tardes, {company}, | dígame.", "{company}, | ¿diga?"},
		machine:  []string{"Hola, soy {name}. | Ahora no puedo atender. | Deja tu mensaje después del tono, | y te llamo en cuanto pueda.", "Ha llamado a {company}. | En este momento estamos cerrados. | Deje su nombre y su teléfono | después de la señal.", "El número | {digits} | no está disponible. | Grabe su mensaje."},
		short:    []string{"Deje su mensaje después del tono.", "Soy {name}. | Deja un mensaje."}, network: []string{"El número que usted marcó | no existe. | Por favor verifique.", "El teléfono al que llama está apagado | o fuera de cobertura."}, asks: []string{"La persona a la que llama filtra sus llamadas. | Diga su nombre | y el motivo."},
	},
	{
		code: "it", names: []string{"Marco", "Giulia Rossi", "Anna"}, companies: []string{"Studio Bianchi", "Officina Moretti", "Albergo Aurora"}, digits: []string{"zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove"},
		hello: []string{"Pronto?", "Pronto, | chi parla?", "Sì?", "Sì, pronto?", "Sono {name}.", "Buongiorno.", "Chi è?", "Pronto, pronto?"}, again: []string{"Pronto?", "C'è qualcuno?", "Chi parla?"},
		business: []string{"{company}, | buongiorno, | come posso aiutarla?", "{company}, sono {name}.", "Buonasera, {company}, | mi dica.", "{company}, | pronto?"},
		machine:  []string{"Ciao, sono {name}. | Adesso non posso rispondere. | Lasciate un messaggio dopo il segnale, | e vi richiamo.", "Risponde la segreteria di {company}. | I nostri uffici sono chiusi. | Lasciate nome e numero | dopo il segnale.", "Avete chiamato il numero | {digits}. | Non siamo in casa. | Lasciate un messaggio."},
		short:    []string{"Lasciate un messaggio dopo il segnale.", "Sono {name}. | Dopo il bip."}, network: []string{"Il numero che avete chiamato | è inesistente.", "Il cliente da lei chiamato | non è al momento raggiungibile. | La preghiamo di riprovare."}, asks: []string{"Prima di passare la chiamata, | dica il suo nome | e perché chiama."},
	},
	{
		code: "pl", names: []string{"Jan", "Anna Nowak", "Tomek"}, companies: []string{"Warsztat Kowalski", "Przychodnia Zdrowie", "Hotel Pod Lipą"}, digits: []string{"zero", "jeden", "dwa", "trzy", "cztery", "pięć", "sześć", "siedem", "osiem", "dziewięć"},
		hello: []string{"Halo?", "Słucham?", "Tak?", "Tak, słucham.", "Halo, | kto mówi?", "{name}, słucham.", "Dzień dobry.", "No?"}, again: []string{"Halo?", "Jest tam kto?", "Słucham?"},
		business: []string{"{company}, | dzień dobry, | w czym mogę pomóc?", "{company}, {name}, słucham.", "Dzień dobry, {company}, | słucham.", "{company}, | słucham?"},
		machine:  []string{"Cześć, tu {name}. | Nie mogę teraz odebrać. | Zostaw wiadomość po sygnale, | oddzwonię.", "Dodzwoniłeś się do firmy {company}. | W tej chwili nie pracujemy. | Prosimy zostawić wiadomość.", "Numer | {digits} | jest niedostępny. | Nagraj wiadomość po sygnale."},
		short:    []string{"Zostaw wiadomość po sygnale.", "Tu {name}. | Nagraj się."}, network: []string{"Wybrany numer | nie istnieje.", "Abonent jest czasowo niedostępny. | Prosimy zadzwonić później."}, asks: []string{"Zanim połączę, | proszę podać imię | i powód rozmowy."},
	},
	{
		code: "de", names: []string{"Schmidt", "Anna Weber", "Thomas"}, companies: []string{"Autohaus Krüger", "Praxis Doktor Lang", "Hotel Seeblick"}, digits: []string{"null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"},
		hello: []string{"Hallo?", "Ja?", "Ja, hallo?", "{name}.", "{name}, hallo?", "Ja, bitte?", "Guten Tag, | {name}.", "Wer ist da?", "Moment. | Ja?"}, again: []string{"Hallo?", "Ist da jemand?", "Ja, bitte?"},
		business: []string{"{company}, | guten Tag, | mein Name ist {name}, | was kann ich für Sie tun?", "{company}, {name}, | guten Morgen.", "{company}, | Sie sprechen mit {name}.", "{company}, | hallo?"},
		machine:  []string{"Hallo, hier ist der Anschluss von {name}. | Ich bin gerade nicht zu erreichen. | Sprechen Sie bitte nach dem Ton, | ich rufe zurück.", "Guten Tag, Sie sind verbunden mit {company}. | Leider rufen Sie außerhalb unserer Geschäftszeiten an. | Hinterlassen Sie uns eine Nachricht.", "Dies ist die Mailbox von | {digits}. | Nachrichten bitte nach dem Signal."},
		short:    []string{"Bitte sprechen Sie nach dem Ton.", "Hier ist {name}. | Nachricht bitte."}, network: []string{"Kein Anschluss unter dieser Nummer.", "Der Teilnehmer ist zurzeit nicht erreichbar. | Bitte versuchen Sie es später noch einmal."}, asks: []string{"Bevor ich verbinde: | Wer sind Sie, | und worum geht es?"},
	},
	{
		code: "pt", names: []string{"João", "Ana Costa", "Rui"}, companies: []string{"Oficina Silva", "Clínica da Luz", "Hotel Miramar"}, digits: []string{"zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove"},
		hello: []string{"Alô?", "Estou?", "Está lá?", "Sim?", "Estou sim, | quem fala?", "Fala o {name}.", "Bom dia.", "Oi, tudo bem?"}, again: []string{"Alô?", "Quem é?", "Está aí alguém?"},
		business: []string{"{company}, | bom dia, | em que posso ajudar?", "{company}, fala {name}.", "Boa tarde, {company}, | diga por favor.", "{company}, | sim?"},
		machine:  []string{"Olá, fala o {name}. | Agora não posso atender. | Deixe mensagem depois do sinal, | que eu ligo de volta.", "Ligou para {company}. | De momento estamos fechados. | Por favor deixe o seu nome e número.", "O número | {digits} | não pode atender. | Deixe a sua mensagem."},
		short:    []string{"Deixe mensagem depois do sinal.", "{name}. | Deixa recado."}, network: []string{"O número que marcou | não está atribuído.", "O cliente que contactou tem o telefone desligado. | Tente mais tarde."}, asks: []string{"Antes de passar a chamada, | diga o seu nome | e o assunto."},
	},
	{
		code: "nl", names: []string{"Jan de Vries", "Anneke", "Bakker"}, companies: []string{"Garage Jansen", "Tandarts Visser", "Hotel De Brug"}, digits: []string{"nul", "een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen"},
		hello: []string{"Hallo?", "Ja?", "Met {name}.", "Hallo, | met {name}.", "Ja, hallo?", "Goedemorgen.", "Met wie?"}, again: []string{"Hallo?", "Is daar iemand?", "Met wie spreek ik?"},
		business: []string{"Goedemiddag, {company}, | met {name}, | waarmee kan ik u helpen?", "{company}, met {name}.", "{company}, | goedemorgen.", "Met {company}, | zegt u het maar."},
		machine:  []string{"Hallo, dit is de voicemail van {name}. | Ik kan nu niet opnemen. | Spreek na de piep een bericht in, | dan bel ik terug.", "U bent verbonden met {company}. | Wij zijn op dit moment gesloten. | Laat uw naam en nummer achter.", "Dit is het nummer | {digits}. | Spreek uw bericht in na de toon."},
		short:    []string{"Spreek een bericht in na de piep.", "Met {name}. | Na de piep."}, network: []string{"Het nummer dat u heeft gekozen | is niet in gebruik.", "De abonnee is op dit moment niet bereikbaar. | Probeer het later."}, asks: []string{"Voor ik doorverbind: | wie bent u, | en waarover gaat het?"},
	},
	{
		code: "cs", names: []string{"Novák", "Jana Dvořáková", "Petr"}, companies: []string{"Autoservis Malý", "Ordinace Zubař", "Hotel Na Kopci"}, digits: []string{"nula", "jedna", "dva", "tři", "čtyři", "pět", "šest", "sedm", "osm", "devět"},
		hello: []string{"Haló?", "Prosím?", "Ano?", "Ano, prosím?", "{name}, prosím.", "Dobrý den.", "Kdo volá?"}, again: []string{"Haló?", "Je tam někdo?", "Prosím?"},
		business: []string{"{company}, | dobrý den, | jak vám mohu pomoci?", "{company}, {name}, prosím.", "Dobrý den, {company}, | u telefonu {name}."},
		machine:  []string{"Dobrý den, tady {name}. | Teď nemohu mluvit. | Nechte mi vzkaz po zaznění tónu, | zavolám zpátky.", "Dovolali jste se do firmy {company}. | Bohužel máme zavřeno. | Zanechte prosím jméno a číslo.", "Volané číslo | {digits} | se nehlásí. | Zanechte vzkaz."},
		short:    []string{"Zanechte vzkaz po zaznění tónu.", "Tady {name}. | Nechte vzkaz."}, network: []string{"Volané číslo | neexistuje.", "Účastník není dostupný. | Zkuste to později."}, asks: []string{"Než vás spojím, | řekněte své jméno | a proč voláte."},
	},
	{
		code: "cmn", names: []string{"王先生", "李小姐", "张伟"}, companies: []string{"阳光饭店", "东方汽车", "平安诊所"}, digits: []string{"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"},
		hello: []string{"喂?", "喂, | 你好。", "你好。", "哪位?", "喂, | 哪位?", "我是{name}。", "您好。"}, again: []string{"喂?", "请问哪位?", "听得到吗?"},
		business: []string{"您好, | {company}, | 请问有什么可以帮您?", "{company}, | 我是{name}, | 请讲。", "您好, {company}。"},
		machine:  []string{"您好, 我是{name}。 | 我现在不方便接电话。 | 请在提示音后留言, | 我会尽快回电。", "这里是{company}。 | 现在不是办公时间。 | 请留下您的姓名和电话。", "您拨打的号码 | {digits} | 无人接听。 | 请留言。"},
		short:    []string{"请在提示音后留言。", "我是{name}。 | 请留言。"}, network: []string{"您拨打的号码 | 是空号。 | 请核对后再拨。", "您拨打的电话已关机。"}, asks: []string{"请问您是哪位? | 有什么事情?"},
	},
	{
		code: "ca", names: []string{"Jordi", "Montse Puig", "Núria"}, companies: []string{"Taller Ferrer", "Clínica del Mar", "Hotel Pirineu"}, digits: []string{"zero", "u", "dos", "tres", "quatre", "cinc", "sis", "set", "vuit", "nou"},
		hello: []string{"Digui?", "Sí?", "Hola?", "Sí, digui.", "Qui és?", "Bon dia.", "Sóc {name}."}, again: []string{"Hola?", "Que hi ha algú?", "Qui parla?"},
		business: []string{"{company}, | bon dia, | en què el puc ajudar?", "{company}, sóc {name}.", "Bona tarda, {company}, | digui."},
		machine:  []string{"Hola, sóc {name}. | Ara no puc atendre la trucada. | Deixa un missatge després del senyal, | i et trucaré.", "Ha trucat a {company}. | Ara mateix som fora. | Deixi el seu nom i el telèfon.", "El número | {digits} | no contesta. | Deixi un missatge."},
		short:    []string{"Deixi un missatge després del senyal.", "Sóc {name}. | Deixa un missatge."}, network: []string{"El número que ha marcat | no existeix.", "El telèfon està apagat | o fora de cobertura."}, asks: []string{"Abans de passar la trucada, | digui el seu nom | i el motiu."},
	},
}
