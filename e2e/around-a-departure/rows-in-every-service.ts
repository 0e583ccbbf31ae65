import type { System } from '../support/system.js';
import { pastTheRules } from './past-the-rules.js';

interface Whose {
  accountId: string;
  leaverId: string;
  othersId: string;
}

/** Parameters: account, leaver, another user, number of rows, and n, where every n-th row is the leaver's. */
const ROWS: Record<string, readonly string[]> = {
  contacts: [
    `insert into contact (id, account_id, external_id, name, assignee, created_at)
    select uuidv7(), $1::uuid, 'X-' || n, 'Contact ' || n, case when n % $5::int = 0 then $2::uuid else $3::uuid end, now()
    from generate_series(1, $4::int / 2) n`,
    `insert into record (id, account_id, type, title, owner_id, created_at)
    select uuidv7(), $1::uuid, (array['lead','deal','product','activity','project','task'])[1 + n / $5::int % 6], 'Record ' || n,
      case when n % $5::int = 0 then $2::uuid else $3::uuid end, now() from generate_series(1, $4::int / 2) n`,
  ],
  messaging: [
    `insert into message_inbox (id, account_id, kind, name, owner_id, created_at)
    select uuidv7(), $1::uuid, 'personal', 'Own', owner, now() from unnest(array[$2::uuid, $3::uuid]) owner where $4::int > 0 and $5::int > 0`,
    `insert into conversation (id, account_id, inbox_id, contact_id, assignee, status, created_at)
    select uuidv7(), $1::uuid, i.id, uuidv7(), i.owner_id, 'open', now()
    from generate_series(1, $4::int / 2) n join message_inbox i
      on i.account_id = $1::uuid and i.owner_id = case when n % $5::int = 0 then $2::uuid else $3::uuid end`,
    `insert into message (id, account_id, inbox_id, conversation_id, contact_id, direction, text, status, created_at)
    select uuidv7(), account_id, inbox_id, id, contact_id, 'inbound', 'Hello', 'received', now() - random() * interval '20 days'
    from conversation where account_id = $1::uuid and assignee in ($2::uuid, $3::uuid) and $5::int > 0 limit $4::int`,
  ],
  telephony: [
    `insert into phone_call (id, account_id, direction, from_e164, to_e164, outcome, user_id, created_at)
    select uuidv7(), $1::uuid, 'outbound', '+14155550101', '+14155550102', 'placed',
      case when n % $5::int = 0 then $2::uuid else $3::uuid end, now() from generate_series(1, $4::int) n`,
  ],
  automations: [
    `insert into automation (id, account_id, name, owner_id, active, trigger_kind, any_since, created_at)
    select uuidv7(), $1::uuid, 'Automation ' || n, case when n % $5::int = 0 then $2::uuid else $3::uuid end, true,
      case when n % $5::int = 1 then 'any' else 'selected' end, case when n % $5::int = 1 then now() end, now() from generate_series(1, $4::int) n`,
  ],
  integrations: [
    `insert into webhook (id, account_id, url, events, owner_id, active, secret, created_at)
    select uuidv7(), $1::uuid, 'https://hooks.example/' || n, '{}', case when n % $5::int = 0 then $2::uuid else $3::uuid end, true, 'sealed', now()
    from generate_series(1, $4::int) n`,
  ],
  insights: [
    `insert into report (id, account_id, name, owner_id, definition, sharing, withdrawn, created_at)
    select uuidv7(), $1::uuid, 'Report ' || n, case when n % $5::int = 0 then $2::uuid else $3::uuid end, '{}', 'everyone', false, now()
    from generate_series(1, $4::int) n`,
  ],
};

/** Inserts rows into each service that has rows of users. */
export async function fillEveryService(
  system: System,
  { accountId, leaverId, othersId }: Whose,
  rows: number,
  oneIn: number,
): Promise<void> {
  for (const [service, statements] of Object.entries(ROWS))
    await pastTheRules(system, service, async (client) => {
      for (const text of statements) await client.query(text, [accountId, leaverId, othersId, rows, oneIn]);
      await client.query('vacuum analyze');
    });
}
