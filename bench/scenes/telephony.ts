import { telephonyRules } from '../../services/telephony/src/departures/telephony.rules.js';
import { migrations, entities } from '../../services/telephony/src/telephony.module.js';
import { ACCOUNT, personSql } from '../support/people.js';
import type { Scene } from './scene.js';

/** 50 rows per user: a number, 29 callbacks, 20 calls. All but the calls change. */
export const telephony: Scene = {
  parts: { name: 'telephony', rules: telephonyRules, entities, migrations },
  rows: (people) => [
    `insert into phone_number (id, account_id, e164, kind, state, owner_id, created_at)
     select uuidv7(), '${ACCOUNT}', '+49' || n, 'personal', 'assigned', ${personSql('n')}, now() from generate_series(1, ${people}) n`,
    `insert into callback select uuidv7(), '${ACCOUNT}', uuidv7(), ${personSql('n')}, now(), 'pending', now()
     from generate_series(1, ${people}) n, generate_series(1, 29)`,
    `insert into phone_call select uuidv7(), '${ACCOUNT}', 'outbound', null, '+491', '+492', 'placed', ${personSql('n')}, now()
     from generate_series(1, ${people}) n, generate_series(1, 20)`,
  ],
  policy: {},
  byHand: [
    `update phone_number set quarantined_from_id = owner_id, owner_id = null, destination_user_id = null, state = 'quarantined',
       release_at = now() + interval '7 days' where owner_id = any($1::uuid[]) and state = 'assigned'`,
    // The scene has no such rows: calls to another user's number may be forwarded to a leaver.
    `update phone_number set destination_user_id = null where destination_user_id = any($1::uuid[]) and state = 'assigned'`,
    `update callback set assignee_id = null where assignee_id = any($1::uuid[]) and status = 'pending'`,
  ],
  oneUpdate: `update callback set assignee_id = null where assignee_id = $1 and status = 'pending'`,
};
