import { SERVICES } from './cluster/cluster.js';
import type { Servers } from './cluster/servers.js';

/** A kind of rows that name a user, and the rule that changes them when the user leaves. */
export interface OwnedRows {
  service: string;
  rule: string;
  table: string;
  /** The column that names the user. */
  person: string;
  /** A SQL condition: the rule still covers the row. */
  held: string;
  /** The same condition for a row in the ledger. */
  isHeld: (row: Row) => boolean;
  /** The statuses of a user in which no such row may be left. */
  endsWith: readonly ('deactivated' | 'deleted')[];
}

export type Row = Record<string, unknown>;

/** The rows that the workload creates, with the rules of the preset `texting`. */
export const OWNED_ROWS: readonly OwnedRows[] = [
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

/** The ledger, and a table of failure modes: while a mode is active, statements on its table fail. */
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

/** Adds triggers to every service's database that record each change of the rows that the checker reads. */
export async function installLedger(servers: Servers): Promise<void> {
  for (const service of SERVICES) {
    const own = OWNED_ROWS.filter((owned) => owned.service === service).map(({ table }) => table);
    const recorded = ['inbox', ...(service === 'identity' ? ['users', 'departure'] : ['directory']), ...own];
    await servers.query(service, SCHEMA);
    for (const table of recorded)
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

/** Makes the service's inserts and updates of the table fail with this SQLSTATE for a while. */
export async function failStatements(
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

/** The ledger entries of one account, for each row in the order of its changes. */
export function ledgerOf(servers: Servers, service: string, accountId: string): Promise<Entry[]> {
  return servers.query<Entry & Row>(
    service,
    'select id, tx::text, tab, before, after from fault_ledger where account_id = $1 order by id',
    [accountId],
  );
}
