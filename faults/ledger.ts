import { SERVICES } from './cluster.js';
import type { Servers } from './servers.js';

/** A kind of rows with a person on them, and the rule that takes them from leavers. */
export interface Belonging {
  service: string;
  rule: string;
  table: string;
  /** Who has it. */
  person: string;
  /** SQL: whether the person still has it, as the rule means it. */
  held: string;
  /** The same for a row as the ledger noted it. */
  isHeld: (row: Row) => boolean;
  /** From which status on nothing of it may be left. */
  endsWith: readonly ('deactivated' | 'deleted')[];
}

export type Row = Record<string, unknown>;

/** What the workload makes, under the preset `texting`. */
export const BELONGINGS: readonly Belonging[] = [
  {
    service: 'messaging',
    rule: 'messaging.live-chats',
    table: 'live_chat',
    person: 'operator_id',
    held: `status = 'open'`,
    isHeld: (row) => row.status === 'open',
    endsWith: ['deactivated', 'deleted'],
  },
  {
    service: 'automations',
    rule: 'automations.owned',
    table: 'automation',
    person: 'owner_id',
    held: 'active',
    isHeld: (row) => row.active === true,
    endsWith: ['deactivated', 'deleted'],
  },
  {
    service: 'contacts',
    rule: 'contacts.assignments',
    table: 'contact',
    person: 'assignee',
    held: 'true',
    isHeld: () => true,
    endsWith: ['deleted'],
  },
];

export interface Entry {
  id: string;
  tx: string;
  tab: string;
  before: Row | null;
  after: Row | null;
}

/** How the database itself can fail: a mode per table, for a time. */
const SCHEMA = `
  create table fault_ledger (
    id bigint generated always as identity primary key,
    tx xid8 not null default pg_current_xact_id(),
    account_id uuid,
    tab text not null,
    before jsonb,
    after jsonb
  );
  create index on fault_ledger (account_id);
  create table fault_mode (tab text primary key, code text not null, until timestamptz not null);
  create function fault_note() returns trigger language plpgsql security definer set search_path = public as $$
    begin
      insert into fault_ledger (account_id, tab, before, after) values (
        case when tg_op = 'DELETE' then old.account_id else new.account_id end, tg_table_name,
        case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end);
      return null;
    end $$;
  create function fault_strike() returns trigger language plpgsql security definer set search_path = public as $$
    declare mode fault_mode;
    begin
      select * into mode from fault_mode where tab = tg_table_name and until > clock_timestamp();
      if found then raise exception 'the database has been told to fail' using errcode = mode.code; end if;
      return null;
    end $$;`;

/** Has every service's database note whatever is done to the rows that the checker looks at. Nobody can take it back. */
export async function keepLedger(servers: Servers): Promise<void> {
  for (const service of SERVICES) {
    const own = BELONGINGS.filter((belonging) => belonging.service === service).map(({ table }) => table);
    const noted = ['inbox', ...(service === 'identity' ? ['users', 'departure'] : ['directory']), ...own];
    await servers.query(service, SCHEMA);
    for (const table of noted)
      await servers.query(
        service,
        `create trigger fault_note after insert or update or delete on ${table} for each row execute function fault_note()`,
      );
    for (const table of [...own, 'inbox'])
      await servers.query(
        service,
        `create trigger fault_strike before insert or update on ${table} for each statement execute function fault_strike()`,
      );
  }
}

/** From now on the service's statements on the table fail with this SQLSTATE, for so many milliseconds. */
export async function haveItFail(
  servers: Servers,
  { service, table, code }: { service: string; table: string; code: string },
  milliseconds: number,
): Promise<void> {
  await servers.query(
    service,
    `insert into fault_mode values ($1, $2, clock_timestamp() + $3 * interval '1 ms')
     on conflict (tab) do update set code = excluded.code, until = excluded.until`,
    [table, code, milliseconds],
  );
}

/** Everything noted about one account, in the order in which it happened to each row. */
export function ledgerOf(servers: Servers, service: string, accountId: string): Promise<Entry[]> {
  return servers.query<Entry & Row>(
    service,
    'select id, tx::text, tab, before, after from fault_ledger where account_id = $1 order by id',
    [accountId],
  );
}
