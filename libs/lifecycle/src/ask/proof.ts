import { sql } from 'kysely';
import type { ProofAnswer, ProofRequest, ReceiptLine, ResolvedAction, Transition } from '#libs/contracts';
import type { Db } from '../declare/where.js';
import type { RuleSet, Step } from '../run/rule-set.js';
import { countRows } from '../sql/counting.js';
import type { LeaverRow } from '../declare/leaver.js';

interface PromiseRow {
  user_id: string;
  account_id: string;
  was_manager: boolean;
  left_at: string;
  /** Never the line of a restoration: a reactivation ends all promises. */
  line: ReceiptLine & ResolvedAction & { transition: Transition };
}

/**
 * Counts the rows that remain after a departure: for every rule that has been applied since the user was last active, the
 * same count as in the preview. It should be 0.
 * @returns the rules with a count above 0, and deleted users whose name is still in the directory
 */
export async function proof(db: Db, rules: RuleSet, request: ProofRequest): Promise<ProofAnswer> {
  const groups = Map.groupBy(await promises(db, request), ({ line }) =>
    JSON.stringify([line.transition, line.rule, line.part, line.action, line.scope]),
  );
  const broken: ProofAnswer['broken'] = [];
  for (const group of groups.values()) {
    const { line } = group[0]!;
    if (rules.remoteEffect(line.rule, line.part)) continue;
    const step = rules.find(line.rule, line.part, line.transition, line);
    const counts = await remaining(db, step, group);
    for (const [userId, count] of counts) {
      if (count > 0)
        broken.push({
          userId,
          rule: line.rule,
          ...(line.part && { part: line.part }),
          transition: line.transition,
          action: line.action,
          remaining: count,
        });
    }
  }
  if (rules.hasRemoteEffects) broken.push(...(await unconfirmed(db, request)));
  return { broken: [...broken, ...(await stranded(db, rules, request)), ...(await named(db, request))] };
}

/** Rows of other services that these have not confirmed for users who have left. */
async function unconfirmed(db: Db, { users }: ProofRequest): Promise<ProofAnswer['broken']> {
  const { rows } = await sql<ProofAnswer['broken'][number]>`
    select e.user_id as "userId", e.rule, e.part, e.transition, line ->> 'action' as action, sum(e.expected)::float8 as remaining
    from unnest(${users.map((u) => u.userId)}::uuid[], ${users.map((u) => u.lifecycleVersion)}::bigint[]) as u (user_id, lifecycle_version)
    join remote_effect e on e.user_id = u.user_id and e.lifecycle_version = u.lifecycle_version
    join inbox i on i.user_id = e.user_id and i.lifecycle_version = e.lifecycle_version
    join lateral (select line from jsonb_array_elements(i.lines) line
      where line ->> 'rule' = e.rule and line ->> 'part' = e.part and line ->> 'transition' = e.transition limit 1) l on true
    where e.undoes is null
    group by 1, 2, 3, 4, 5`.execute(db);
  return rows;
}

/**
 * Counts rows that wait for a delayed effect which is not scheduled. Reactivated users are included: their rows should
 * have been restored.
 */
async function stranded(db: Db, rules: RuleSet, { users }: ProofRequest): Promise<ProofAnswer['broken']> {
  const broken: ProofAnswer['broken'] = [];
  for (const { part, transition, action, statements } of rules.delayedSteps()) {
    const { rows } = await sql<{ user_id: string; account_id: string }>`
      select d.user_id, d.account_id from directory d
      where d.user_id = any(${users.map((user) => user.userId)}::uuid[]) and not exists (
        select from scheduled_action s where s.user_id = d.user_id and s.rule = ${part.rule.id}
          and s.part = ${part.rows.part ?? ''} and s.status = 'pending')`.execute(db);
    const leavers = rows.map((row): LeaverRow => ({
      userId: row.user_id,
      accountId: row.account_id,
      wasManager: false,
      leftAt: new Date(0),
    }));
    for (const [userId, remaining] of await countRows(db, statements, { kind: 'none' }, leavers)) {
      const named = { rule: part.rule.id, ...(part.rows.part && { part: part.rows.part }) };
      if (remaining > 0) broken.push({ userId, ...named, transition, action: action.name, remaining });
    }
  }
  return broken;
}

/**
 * The receipt lines to check. `keep` promises nothing, and rows with a pending delayed effect may still be there. Nor does a
 * reassignment: its user stays and keeps what arrives later. A take-over
 * promises nothing beyond the user's next decision: by then the new person has grants of their own. Times of grants come from
 * the clock of this service, so a clock of identity that is ahead does not count.
 */
async function promises(db: Db, { users }: ProofRequest): Promise<PromiseRow[]> {
  const { rows } = await sql<PromiseRow>`
    select i.user_id, i.account_id, i.was_manager, line,
      case when line ->> 'transition' = 'transferred' then least(i.left_at, i.received_at) else i.left_at end as left_at
    from unnest(${users.map((u) => u.userId)}::uuid[], ${users.map((u) => u.lifecycleVersion)}::bigint[]) as u (user_id, lifecycle_version)
    join inbox latest on latest.user_id = u.user_id and latest.lifecycle_version = u.lifecycle_version
    join inbox i on i.user_id = u.user_id and i.lifecycle_version between latest.active_since + 1 and latest.lifecycle_version
    cross join lateral jsonb_array_elements(i.lines) line
    where latest.type <> 'user.reactivated' and line ->> 'finishedAt' is not null and line ->> 'action' <> 'keep'
      and line ->> 'transition' <> 'reassigned'
      and (line ->> 'transition' <> 'transferred' or i.lifecycle_version = latest.lifecycle_version) and not exists (
      select 1 from scheduled_action s
      where s.user_id = i.user_id and s.rule = line ->> 'rule' and s.part = coalesce(line ->> 'part', '') and s.status = 'pending')`.execute(
    db,
  );
  return rows;
}

function remaining(db: Db, step: Step, group: readonly PromiseRow[]): Promise<Map<string, number>> {
  const leavers = group.map((row): LeaverRow => ({
    userId: row.user_id,
    accountId: row.account_id,
    wasManager: row.was_manager,
    leftAt: new Date(row.left_at),
  }));
  const { action, statements } = step;
  // An action with only a delayed effect promises that the rows are gone once the delay is over.
  const effect = action.effect.kind === 'none' && action.later ? action.later.effect : action.effect;
  return countRows(db, statements, effect, leavers, { onlyGrantedBefore: step.transition === 'transferred' });
}

/** Deleted users whose name or staff id is still in the directory. */
async function named(db: Db, { users }: ProofRequest): Promise<ProofAnswer['broken']> {
  const { rows } = await sql<{ user_id: string }>`
    select user_id from directory
    where user_id = any(${users.map((u) => u.userId)}::uuid[]) and status = 'deleted' and (name is not null or staff_id is not null)`.execute(
    db,
  );
  return rows.map((row) => ({
    userId: row.user_id,
    rule: 'directory',
    transition: 'deleted',
    action: 'redact',
    remaining: 1,
  }));
}
