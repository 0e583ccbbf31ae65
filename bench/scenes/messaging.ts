import { entities, migrations } from '../../services/messaging/src/messaging.module.js';
import { NamedAfterTheLeaver } from '../../services/messaging/src/departures/named-after-the-leaver.js';
import { messagingRules } from '../../services/messaging/src/departures/messaging.rules.js';
import { ACCOUNT, personSql } from '../support/people.js';
import type { Scene } from './scene.js';

const INBOX = '00000000-0000-7000-a000-000000000001';

/** 50 rows per user: 30 open or snoozed conversations, 10 live chats, 10 internal notes. All but the notes change. */
export const messaging: Scene = {
  parts: { name: 'messaging', rules: messagingRules, entities, migrations, forgetting: new NamedAfterTheLeaver() },
  rows: (people) => [
    `insert into message_inbox values ('${INBOX}', '${ACCOUNT}', 'shared', 'Everybody', null, now())`,
    `insert into conversation
     select uuidv7(), '${ACCOUNT}', '${INBOX}', uuidv7(), ${personSql('n')}, (array['open', 'snoozed'])[1 + i % 2], now()
     from generate_series(1, ${people}) n, generate_series(1, 30) i`,
    `insert into live_chat select uuidv7(), '${ACCOUNT}', 'Visitor', ${personSql('n')}, 'open', now()
     from generate_series(1, ${people}) n, generate_series(1, 10)`,
    `insert into internal_note select uuidv7(), '${ACCOUNT}', c.id, 'Note', c.assignee, now()
     from (select *, row_number() over (partition by assignee order by id) as i from conversation) c where c.i <= 10`,
  ],
  policy: {},
  byHand: [
    `update conversation set assignee = null where assignee = any($1::uuid[]) and status in ('open', 'snoozed')`,
    `update live_chat set operator_id = null, status = 'queued' where operator_id = any($1::uuid[]) and status = 'open'`,
    // The scene has no such rows, but every deletion has to run these statements.
    `update scheduled_message s set status = 'cancelled' where owner_id = any($1::uuid[]) and status in ('scheduled', 'held')
       and exists (select from message_inbox i where i.id = s.inbox_id and i.kind = 'personal')`,
    'update chatbot set user_id = $2 where user_id = any($1::uuid[])',
    'update webform set user_id = $2 where user_id = any($1::uuid[])',
    `delete from email_template where owner_id = any($1::uuid[]) and visibility = 'private'`,
    'delete from inbox_member where user_id = any($1::uuid[])',
    `update message_inbox set name = 'Personal inbox' where owner_id = any($1::uuid[])`,
  ],
  oneUpdate: `update conversation set assignee = null where assignee = $1 and status in ('open', 'snoozed')`,
};
