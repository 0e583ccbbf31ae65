import type { Db } from '#libs/lifecycle';
import { sql } from 'kysely';

/** Chats routed in one statement, at most. */
const AT_ONCE = 100;

/** The operators `o` who count: what they said holds as long as they (`d` in the directory) have not left since. */
export const STILL_OPERATOR = sql`d.user_id = o.user_id and d.status = 'active' and d.lifecycle_version = o.lifecycle_version`;
/** How many chats the operator `o` has open. */
export const OPEN_CHATS = sql`(select count(*) from live_chat c where c.operator_id = o.user_id and c.status = 'open')`;

/** One at a time routes the chats of an account, until the transaction ends: who counts the loads alone can compare them. */
export async function lockRouting(db: Db, accountId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`live chats ${accountId}`}, 0))`.execute(db);
}

/**
 * Gives the account's waiting chats, the oldest first, each to the available operator who then has the fewest open ones;
 * of several, whoever has gone longest without a new one. What exceeds everybody's limit goes on waiting. The operators'
 * directory rows are held in share, so that nobody leaves unnoticed; somebody who is just leaving is passed over.
 * @returns how many were routed; call it again as long as there are some
 */
export async function routeWaiting(db: Db, accountId: string, now: Date): Promise<number> {
  if (!(await worthwhile(db, accountId))) return 0;
  await lockRouting(db, accountId);
  // A slot is one more chat for one operator; the level says how many are open then, `more` how many of them are new.
  const { rows } = await sql`
    with queue as (
      select id, row_number() over (order by id) as n from (
        select id from live_chat where account_id = ${accountId} and status = 'queued' order by id limit ${AT_ONCE} for update skip locked) waiting
    ), operator as materialized (
      select o.user_id, o.last_chat_at, ${OPEN_CHATS} as open, o.max_chats
      from chat_operator o join directory d on ${STILL_OPERATOR}
      where o.account_id = ${accountId} and o.available for key share of d skip locked
    ), slot as (
      select user_id, row_number() over (order by open + more, more, last_chat_at nulls first, user_id) as n
      from operator cross join lateral generate_series(1, least(max_chats - open, ${AT_ONCE})) more
    ), routed as (
      update live_chat c set status = 'open', operator_id = slot.user_id from queue join slot using (n)
      where c.id = queue.id and c.status = 'queued' returning c.id, c.operator_id
    ), noted as (
      update chat_operator o set last_chat_at = ${now} where o.user_id in (select operator_id from routed)
    )
    select id from routed`.execute(db);
  return rows.length;
}

/** Most accounts have nobody who answers, or nothing that waits. */
async function worthwhile(db: Db, accountId: string): Promise<boolean> {
  const { rows } = await sql<{ worthwhile: boolean }>`
    select exists (select 1 from chat_operator where account_id = ${accountId} and available)
      and exists (select 1 from live_chat where account_id = ${accountId} and status = 'queued') as worthwhile`.execute(
    db,
  );
  return rows[0]!.worthwhile;
}

/** Somebody has got a chat in another way than by routing. They need not be an operator. */
export async function noteNewChat(db: Db, userId: string, now: Date): Promise<void> {
  await sql`update chat_operator set last_chat_at = ${now} where user_id = ${userId}`.execute(db);
}
