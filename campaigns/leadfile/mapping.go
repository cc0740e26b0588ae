package leadfile

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Fields are what a column can hold. Any other column becomes a custom field,
// "field:<name>".
var Fields = []string{
	"number", "mobile", "home", "work", // telephone numbers, by kind; several columns may map to each
	"kind", // of the number in the nearest number column before it
	"external_id", "name", "first_name", "last_name", "note",
	"zone", "zip", "state", "country", // where the person is; country is the default region of the row
	"calling_code", // of the row's numbers, such as 48, where they are written without; goes before country
	"stage", "cp", "pi", "level", "temperature", "progress",
}

// synonyms are column names by field, as people write them in English, Polish
// and Chinese, and a few in other languages; compared without case, spaces,
// punctuation and a number at the end.
var synonyms = map[string]string{
	"number": `number phone phonenumber phoneno telephone telephonenumber tel telno contactnumber primaryphone msisdn e164
		telefon telefony numer numertelefonu nrtelefonu nrtel telefonnr telefonnummer teléfono telefono téléphone
		altphone alternatephone alternativephone alternatenumber secondaryphone secondphone otherphone additionalphone
		telefondodatkowy dodatkowytelefon innytelefon telefonkontaktowy 备用电话 其他电话
		电话 电话号码 联系电话 联系方式 號碼 電話 電話號碼`,
	"mobile": `mobile mobilephone mobilenumber mobileno cell cellphone komórka komorka telefonkomórkowy telefonkomorkowy telkom handy
		手机 手机号 手机号码 移动电话 手機 手機號碼`,
	"home": `home homephone landline telefondomowy telefonstacjonarny domowy stacjonarny 家庭电话 住宅电话 固定电话 座机`,
	"work": `work workphone business businessphone officephone telefonsłużbowy telefonsluzbowy służbowy sluzbowy 办公电话 公司电话 工作电话`,
	"kind": `kind numberkind phonetype`,
	"external_id": `externalid extid id leadid customerid contactid crmid recordid vendorleadcode identyfikator idklienta nrklienta numerklienta
		编号 客户编号 客户id 客户号`,
	"name":       `name fullname leadname contact contactname customername company nazwa imięinazwisko imieinazwisko klient firma 姓名 名字 客户姓名 名称 联系人 客户名称`,
	"first_name": `firstname forename givenname imię imie vorname prénom 名`,
	"last_name":  `lastname surname familyname nazwisko nachname 姓 姓氏`,
	"note":       `note notes comment comments remark remarks notatka notatki uwagi komentarz 备注 说明 備註`,
	"zone":       `zone timezone tz strefa strefaczasowa 时区 時區`,
	"zip":        `zip zipcode postcode postalcode kodpocztowy kod 邮编 邮政编码`,
	"state":      `state region province stan województwo wojewodztwo prowincja 州 省 省份 地区`,
	"country":    `country countrycode countryname kraj państwo panstwo 国家 國家`,
	"calling_code": `callingcode phonecode dialcode dialingcode diallingcode phonecountrycode countrycallingcode numerkierunkowy kierunkowy
		国家代码 國碼`,
	"stage":       `stage etap 阶段`,
	"cp":          `cp customerpotential potencjał potencjal 客户潜力`,
	"pi":          `pi purchaseintent intent intencja 购买意向 意向`,
	"level":       `level poziom 等级 级别`,
	"temperature": `temperature temp temperatura 温度 热度`,
	"progress":    `progress postęp postep 进度`,
	"-":           `zones regions createdat updatedat list`,
}

// byName is synonyms turned around.
var byName = func() map[string]string {
	m := map[string]string{}
	for field, names := range synonyms {
		for name := range strings.FieldsSeq(names) {
			m[name] = field
		}
	}
	return m
}()

// plainName strips what does not tell columns apart.
func plainName(header string) string {
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, header)
	if letters == "e164" {
		return letters
	}
	return strings.TrimRight(letters, "0123456789")
}

// column is where the cells of a column go.
type column struct {
	field  string // of Fields, "field:<name>" or "-"
	custom string // name of the custom field
}

// numbers says whether the column holds telephone numbers.
func (c column) numbers() bool {
	return c.field == "number" || c.field == "mobile" || c.field == "home" || c.field == "work"
}

// columnName names a column of a file without header, from 1.
func columnName(i int) string { return fmt.Sprintf("column_%d", i+1) }

// header maps the columns. A first row without known names but with a
// telephone number in it is a lead: the file has no header.
func (rd *reader) header(line int, cells []string) error {
	if len(cells) == 0 {
		return ErrNoNumbers
	}
	rd.headers = slices.Clone(cells)
	for i := range rd.headers {
		rd.headers[i] = headerName(rd.headers[i])
	}
	if err := rd.mapColumns(); err != nil {
		return err
	}
	if !slices.ContainsFunc(rd.columns, column.numbers) && len(rd.opts.Mapping) == 0 {
		rd.withoutHeader(cells)
	}
	if !slices.ContainsFunc(rd.columns, column.numbers) {
		return fmt.Errorf("%w; the columns are %s", ErrNoNumbers, shown(rd.headers))
	}
	names := 0
	for _, header := range rd.headers {
		names += len(header)
	}
	if names > maxNames {
		return fmt.Errorf("leadfile: line %d: the names of the columns are %d bytes long, at most %d", line, names, maxNames)
	}
	if !rd.headerless {
		rd.report.HeaderLine = line
	}
	for i, c := range rd.columns {
		rd.report.Mapping = append(rd.report.Mapping, ColumnTarget{rd.headers[i], c.field})
	}
	return nil
}

// shown is column names for an error: the first ones, of each the beginning.
func shown(headers []string) string {
	const most, longest = 30, 60
	var names []string
	for _, header := range headers[:min(len(headers), most)] {
		if len(header) > longest {
			header = strings.ToValidUTF8(header[:longest], "") + "…"
		}
		names = append(names, header)
	}
	if more := len(headers) - most; more > 0 {
		return fmt.Sprintf("%q and %d more", names, more)
	}
	return fmt.Sprintf("%q", names)
}

// mapColumns gives each column its field: the given one, else by name, else a
// custom field. A field that only one column can have goes to the first.
func (rd *reader) mapColumns() error {
	for name := range rd.opts.Mapping {
		if !slices.Contains(rd.headers, name) {
			return fmt.Errorf("leadfile: mapping: no column %q; the columns are %s", name, shown(rd.headers))
		}
	}
	taken := map[string]bool{}
	for _, header := range rd.headers {
		field, given := rd.opts.Mapping[header]
		if !given {
			field = byName[plainName(header)]
		} else if custom := strings.HasPrefix(field, "field:"); !custom && field != "-" && !slices.Contains(Fields, field) {
			return fmt.Errorf("leadfile: mapping: column %q: no field %q; known are %s, field:<name> and -", header, field, strings.Join(Fields, ", "))
		}
		c := column{field: field}
		if once := !c.numbers() && field != "kind" && field != "-"; once && (field == "" || taken[field]) {
			c.field = "field:" + header
		}
		taken[field] = true
		c.custom = strings.TrimPrefix(c.field, "field:")
		if c.field == "field:" {
			c.field = "-" // a column without name and use
		}
		rd.columns = append(rd.columns, c)
	}
	return nil
}

// withoutHeader takes the first row as a lead where a cell is a number that may
// be dialled.
func (rd *reader) withoutHeader(cells []string) {
	found := rd.opts.numberIn(cells)
	if found < 0 {
		return
	}
	rd.headerless = true
	for i := range rd.headers {
		rd.headers[i] = columnName(i)
		rd.columns[i] = column{field: "field:" + rd.headers[i], custom: rd.headers[i]}
	}
	rd.columns[found] = column{field: "number"}
}

// headerOf names a column for a report; past the header by its place.
func (rd *reader) headerOf(i int) string {
	switch {
	case i < 0:
		return ""
	case i < len(rd.headers) && rd.headers[i] != "":
		return rd.headers[i]
	}
	return columnName(i)
}
