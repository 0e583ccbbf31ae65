import { entities } from '../../services/messaging/src/messaging.module.js';
import { messagingRules } from '../../services/messaging/src/departures/messaging.rules.js';
import { migrations } from '../../services/messaging/src/migrations/migrations.js';
import { ACCOUNT, personSql } from '../support/people.js';
import type { Scene } from './scene.js';

const INBOX = '00000000-0000-7000-a000-000000000001';

/** Of 50 rows: 30 open or snoozed conversations, 10 live chats, 10 internal notes. All but the notes change. */
export const messaging: Scene = {
  parts: { name: 'messaging', rules: messagingRules, entities, migrations },
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
  ],
};
