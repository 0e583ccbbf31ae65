import { eventually } from '#libs/test-kit';
import { SERVICES } from './cluster/cluster.js';
import { OWNED_ROWS, ledgerOf, type OwnedRows, type Entry, type Row } from './ledger.js';
import type { Servers } from './cluster/servers.js';

interface Line {
  rule: string;
  part?: string;
  transition: string;
  action: string;
  affected: number;
  finishedAt: string | null;
}

interface Decision {
  user_id: string;
  lifecycle_version: string;
  status: string;
  transition?: string;
}

/** Waits until the account has no unfinished departures, events or tasks. Tasks that have failed for good do not count. */
export async function settled(servers: Servers, accountId: string, timeout: number): Promise<void> {
  await eventually(
    async () => {
      const open: string[] = [];
      const count = async (service: string, table: string, condition: string, note = '') => {
        const sql = `select count(*)::int as n from ${table} where account_id = $1 and ${condition}`;
        const [row] = await servers.query<{ n: number }>(service, sql, [accountId]);
        if (row!.n > 0) open.push([`${row!.n} of ${service}.${table}`, note].join(' ').trim());
      };
      await count('identity', 'departure', `status = 'running'`);
      await count('identity', 'outbox', 'true');
      for (const service of SERVICES) {
        await count(service, 'task', `due_at < 'infinity' and due_at > now() + interval '1 minute'`, 'due much later');
        await count(service, 'task', `due_at < 'infinity'`);
        await count(service, 'remote_effect', 'undoes is null');
        await count(service, 'inbox', `status in ('running', 'retry')`);
      }
      if (open.length > 0) throw new Error(`still unfinished: ${open.join(', ')}`);
    },
    { timeout, interval: 300 },
  );
}

/** Describes every broken invariant in the account; empty if there is none. Call it after `settled`. */
export async function violations(servers: Servers, accountId: string): Promise<string[]> {
  const decisions = await servers.query<Decision & Row>(
    'identity',
    'select user_id, lifecycle_version::text, status, transition from departure where account_id = $1 and lifecycle_version is not null order by user_id, departure.lifecycle_version',
    [accountId],
  );
  const found = [
    ...unfinished(decisions),
    ...(await ownerless(servers, accountId)),
    ...(await heldByLeavers(servers, accountId)),
  ];
  for (const service of SERVICES) {
    const ledger = await ledgerOf(servers, service, accountId);
    const ofService = [
      ...(await notFolded(servers, service, accountId, decisions)),
      ...appliedTwice(ledger),
      ...OWNED_ROWS.filter((one) => one.service === service).flatMap((one) => effects(ledger, one)),
    ];
    found.push(...ofService.map((one) => `${service}: ${one}`));
  }
  return found;
}

/** Departures that are neither completed nor superseded. */
function unfinished(decisions: readonly Decision[]): string[] {
  return decisions
    .filter(({ status }) => status !== 'completed' && status !== 'superseded')
    .map(({ user_id, status }) => `the departure of ${user_id} is ${status}`);
}

async function ownerless(servers: Servers, accountId: string): Promise<string[]> {
  const rows = await servers.query(
    'identity',
    `select 1 from users u join user_role r on r.user_id = u.id and r.role = 'owner'
     where u.account_id = $1 and u.status = 'active' and u.suspended_at is null and u.password_hash is not null`,
    [accountId],
  );
  return rows.length > 0 ? [] : ['the account has no active owner who is not suspended'];
}

async function heldByLeavers(servers: Servers, accountId: string): Promise<string[]> {
  const people = await servers.query<{ id: string; status: string }>(
    'identity',
    `select id, status from users where account_id = $1 and status in ('deactivated', 'deleted')`,
    [accountId],
  );
  const found: string[] = [];
  for (const { service, table, person, held, endsWith } of OWNED_ROWS) {
    const gone = people.filter(({ status }) => (endsWith as readonly string[]).includes(status)).map(({ id }) => id);
    const rows = await servers.query<{ who: string; n: number }>(
      service,
      `select ${person} as who, count(*)::int as n from ${table} where ${person} = any($1::uuid[]) and ${held} group by 1`,
      [gone],
    );
    found.push(...rows.map(({ who, n }) => `${n} rows of ${table} still belong to ${who}, who has left`));
  }
  return found;
}

/** Differences between a service and identity: every decision has an outcome, and each user's status is the same. */
async function notFolded(
  servers: Servers,
  service: string,
  accountId: string,
  decisions: readonly Decision[],
): Promise<string[]> {
  const known = await servers.query<Decision & Row>(
    service,
    'select user_id, lifecycle_version::text, status from inbox where account_id = $1',
    [accountId],
  );
  const statuses = new Map(known.map((row) => [`${row.user_id} ${row.lifecycle_version}`, row.status]));
  const found: string[] = [];
  // A deletion removes all events about the user from the outbox and the stream, also superseded ones.
  const deleted = new Set(decisions.flatMap((one) => (one.transition === 'deleted' ? one.user_id : [])));
  for (const { user_id, lifecycle_version, status } of decisions) {
    const own = statuses.get(`${user_id} ${lifecycle_version}`);
    if (own === undefined && status === 'superseded' && deleted.has(user_id)) continue;
    if (own === undefined) found.push(`decision ${lifecycle_version} about ${user_id} never arrived`);
    else if (own !== 'completed' && (own !== 'superseded' || status === 'completed'))
      found.push(`decision ${lifecycle_version} about ${user_id} is ${own} here and ${status} at identity`);
  }
  if (service === 'identity') return found;
  const latest = new Map(decisions.map((one) => [one.user_id, one.lifecycle_version]));
  const people = await servers.query<{ id: string; status: string }>(
    'identity',
    'select id, status from users where account_id = $1',
    [accountId],
  );
  const directory = await servers.query<Row>(
    service,
    'select user_id, status, lifecycle_version::text from directory where account_id = $1',
    [accountId],
  );
  const here = new Map(directory.map((row) => [row.user_id, row]));
  for (const { id, status } of people.filter((person) => latest.has(person.id))) {
    const row = here.get(id);
    if (row?.status !== status || row.lifecycle_version !== latest.get(id))
      found.push(`${id} is ${status} by decision ${latest.get(id)}, here ${row?.status} by ${row?.lifecycle_version}`);
  }
  return found;
}

const decisionOf = (row: Row) => `${String(row.user_id)} ${String(row.lifecycle_version)}`;

/** Events whose completed receipt lines have changed. */
function appliedTwice(ledger: readonly Entry[]): string[] {
  const done = new Map<string, string>();
  const found: string[] = [];
  for (const { tab, after } of ledger) {
    if (tab !== 'inbox' || after?.status !== 'completed') continue;
    const lines = (after.lines as Line[]).map(({ rule, part, affected, finishedAt }) => [
      rule,
      part,
      affected,
      finishedAt,
    ]);
    const text = JSON.stringify(lines);
    const before = done.get(decisionOf(after));
    if (before === undefined) done.set(decisionOf(after), text);
    else if (before !== text) found.push(`the rules of ${decisionOf(after)} were applied twice`);
  }
  return found;
}

/**
 * Differences between the receipts of one rule and the committed changes, and changes made for a decision after a later one
 * had been applied.
 */
function effects(ledger: readonly Entry[], { rule, table, person, isHeld }: OwnedRows): string[] {
  const fences = new Map<string, number>();
  const decidedIn = new Map<string, Row[]>();
  for (const { tab, tx, after } of ledger)
    if (tab === 'inbox' && after) decidedIn.set(tx, [...(decidedIn.get(tx) ?? []), after]);
  const taken = new Map<string, string[]>();
  const found: string[] = [];
  for (const { tab, tx, before, after } of ledger) {
    if (tab === 'directory' && after) fences.set(after.user_id as string, Number(after.lifecycle_version));
    if (tab !== table || !before || !isHeld(before)) continue;
    if (after && isHeld(after) && after[person] === before[person]) continue;
    const causes = decidedIn.get(tx)?.filter((row) => row.user_id === before[person] && row.status !== 'superseded');
    if (!causes?.length) continue;
    const decision = causes.at(-1)!;
    if ((fences.get(before[person] as string) ?? 0) > Number(decision.lifecycle_version))
      found.push(`${rule} changed rows for ${decisionOf(decision)}, which is below the fence`);
    taken.set(decisionOf(decision), [...(taken.get(decisionOf(decision)) ?? []), before.id as string]);
  }
  return [...found, ...unlikeReceipts(ledger, rule, taken)];
}

function unlikeReceipts(ledger: readonly Entry[], rule: string, taken: ReadonlyMap<string, string[]>): string[] {
  const last = new Map(
    ledger.flatMap(({ tab, after }) => (tab === 'inbox' && after ? [[decisionOf(after), after]] : [])),
  );
  const found: string[] = [];
  for (const [decision, row] of last) {
    const rows = taken.get(decision) ?? [];
    const reported = (row.lines as Line[])
      .filter((line) => line.rule === rule && line.transition !== 'reactivated' && line.action !== 'keep')
      .reduce((sum, line) => sum + line.affected, 0);
    if (row.status === 'completed' && reported !== rows.length)
      found.push(`${rule} reports ${reported} rows for ${decision}, and changed ${rows.length}`);
    if (new Set(rows).size < rows.length) found.push(`${rule} changed a row twice for ${decision}`);
  }
  return found;
}
