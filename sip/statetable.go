// # The states of a leg
//
// What each input does in each state; what is not in the table is ignored.
// "2xx" comes from the fork that "180" came from. Words in capitals are
// requests, numbers are responses, the rest are events. Written by
// go test -run TestStateTable -update.
//
//	state       input                next        does
//	idle        Invite               calling     INVITE
//	idle        Hangup               ended       Ended
//	idle        INVITE arrives       incoming    100, Incoming
//	idle        BYE arrives          idle        481
//	idle        re-INVITE arrives    idle        481
//	idle        INFO arrives         idle        481
//	calling     Hangup               abandoning
//	calling     BYE arrives          calling     481
//	calling     re-INVITE arrives    calling     481
//	calling     INFO arrives         calling     481
//	calling     100                  proceeding  Progress
//	calling     180                  early       Progress
//	calling     2xx                  up          ACK, Answered
//	calling     2xx of another fork  up          ACK, Answered
//	calling     401                  calling     INVITE
//	calling     486                  ended       Ended
//	calling     no response          deserted    Ended
//	calling     answer timer         deserted    stop INVITE, Ended
//	proceeding  Hangup               cancelling  CANCEL
//	proceeding  BYE arrives          proceeding  481
//	proceeding  re-INVITE arrives    proceeding  481
//	proceeding  INFO arrives         proceeding  481
//	proceeding  100                  proceeding  Progress
//	proceeding  180                  early       Progress
//	proceeding  2xx                  up          ACK, Answered
//	proceeding  2xx of another fork  up          ACK, Answered
//	proceeding  401                  calling     INVITE
//	proceeding  486                  ended       Ended
//	proceeding  no response          deserted    Ended
//	proceeding  ring timer           cancelling  CANCEL
//	early       Hangup               cancelling  CANCEL
//	early       BYE arrives          early       481
//	early       re-INVITE arrives    early       481
//	early       INFO arrives         early       481
//	early       100                  early       Progress
//	early       180                  early       Progress
//	early       2xx                  up          ACK, Answered
//	early       2xx of another fork  up          ACK, Answered
//	early       401                  calling     INVITE
//	early       486                  ended       Ended
//	early       no response          deserted    Ended
//	early       ring timer           cancelling  CANCEL
//	abandoning  BYE arrives          abandoning  481
//	abandoning  re-INVITE arrives    abandoning  481
//	abandoning  INFO arrives         abandoning  481
//	abandoning  100                  cancelling  CANCEL
//	abandoning  180                  cancelling  CANCEL
//	abandoning  2xx                  ended       ACK, BYE, Ended (late answer)
//	abandoning  2xx of another fork  ended       ACK, BYE, Ended (late answer)
//	abandoning  401                  ended       Ended
//	abandoning  486                  ended       Ended
//	abandoning  no response          deserted    Ended
//	abandoning  answer timer         deserted    stop INVITE, Ended
//	cancelling  BYE arrives          cancelling  481
//	cancelling  re-INVITE arrives    cancelling  481
//	cancelling  INFO arrives         cancelling  481
//	cancelling  2xx                  ended       ACK, BYE, Ended (late answer)
//	cancelling  2xx of another fork  ended       ACK, BYE, Ended (late answer)
//	cancelling  401                  ended       Ended
//	cancelling  486                  ended       Ended
//	cancelling  no response          deserted    Ended
//	cancelling  cancel timer         ended       stop INVITE, Ended
//	deserted    BYE arrives          deserted    481
//	deserted    re-INVITE arrives    deserted    481
//	deserted    INFO arrives         deserted    481
//	deserted    100                  ended       CANCEL
//	deserted    180                  ended       CANCEL
//	deserted    2xx                  deserted    ACK, BYE
//	deserted    2xx of another fork  deserted    ACK, BYE
//	deserted    401                  ended       ACK
//	deserted    486                  ended       ACK
//	deserted    forget timer         deserted    forget
//	incoming    Hangup               ended       480, Ended
//	incoming    Ring                 ringing     180
//	incoming    Accept               accepted    200
//	incoming    CANCEL arrives       ended       Ended
//	incoming    BYE arrives          ended       200, 487, Ended
//	incoming    re-INVITE arrives    incoming    481
//	incoming    INFO arrives         incoming    200
//	ringing     Hangup               ended       480, Ended
//	ringing     Accept               accepted    200
//	ringing     CANCEL arrives       ended       Ended
//	ringing     BYE arrives          ended       200, 487, Ended
//	ringing     re-INVITE arrives    ringing     481
//	ringing     INFO arrives         ringing     200
//	accepted    Hangup               closing
//	accepted    ACK arrives          up          Answered
//	accepted    BYE arrives          ended       200, Ended
//	accepted    re-INVITE arrives    accepted    500
//	accepted    INFO arrives         accepted    200
//	accepted    ack timer            ending      BYE
//	closing     ACK arrives          ending      BYE
//	closing     BYE arrives          ended       200, Ended
//	closing     re-INVITE arrives    closing     481
//	closing     INFO arrives         closing     200
//	closing     ack timer            ending      BYE
//	up          Hangup               ending      BYE
//	up          BYE arrives          ended       200, Ended
//	up          re-INVITE arrives    up          Offered
//	up          INFO arrives         up          200
//	up          2xx                  up          ACK
//	up          2xx of another fork  up          ACK, BYE
//	up          refresh timer        up          INVITE
//	up          expire timer         ending      BYE
//	ending      BYE arrives          ended       200, Ended
//	ending      re-INVITE arrives    ending      481
//	ending      INFO arrives         ending      200
//	ending      2xx                  ending      ACK
//	ending      2xx of another fork  ending      ACK, BYE
//	ending      200 to BYE           ended       Ended
//	ending      end timer            ended       Ended
//	ended       BYE arrives          ended       481
//	ended       re-INVITE arrives    ended       481
//	ended       INFO arrives         ended       481
//	ended       2xx                  ended       ACK, BYE
//	ended       2xx of another fork  ended       ACK, BYE
//	ended       401                  ended       ACK
//	ended       486                  ended       ACK
//	ended       forget timer         ended       forget
package sip
