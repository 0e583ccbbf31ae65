import type { Conversion, ReceiptLine, UserEvent, UserStatus } from '#libs/contracts';
import { sql } from 'kysely';
import type { Db } from '../declare/where.js';
import { firstAdminOf, firstAdmins, NoFirstAdmin } from '../inbox/first-admin.js';

/** A leaver whose number and threads become a shared inbox. */
export interface Converting extends Conversion {
  accountId: string;
  userId: string;
  /** The account's first admin according to the event. */
  firstAdminId?: string;
}

/** A deviation from the request, shown on the receipt line of the rule. */
export interface ConversionWarning {
  userId: string;
  rule: string;
  warning: string;
}

/**
 * Turns a leaver's number and threads into a shared inbox. Runs in the transaction that applies the deletion, under the
 * exclusive lock on the leaver and before the rules, which then find no such rows.
 */
export abstract class InboxConversion {
  abstract convert(db: Db, converting: readonly Converting[], now: Date): Promise<ConversionWarning[]>;
}

export interface Members {
  /** In the order of the request; never empty. */
  userIds: string[];
  warning?: string;
}

/** A member who is not in the directory yet. The event is retried. */
export class UnknownMember extends Error {}

/**
 * Finds the requested members who are active, or else the first admin, and locks them so that they cannot leave in between.
 * @returns members by leaver
 * @throws UnknownMember, NoFirstAdmin, UnknownFirstAdmin
 */
export async function membersOf(db: Db, converting: readonly Converting[]): Promise<Map<string, Members>> {
  const leaving = converting.map((one) => one.userId);
  const admins = await firstAdmins(db, [...new Set(converting.map((one) => one.accountId))], leaving);
  const named = converting.flatMap((one) => one.memberIds);
  const told = converting.flatMap(({ firstAdminId }) => firstAdminId ?? []);
  const { rows } = await sql<{ user_id: string; account_id: string; status: UserStatus }>`
    select user_id, account_id, status from directory
    where user_id = any(${[...named, ...told, ...admins.map((row) => row.user_id)]}::uuid[]) order by user_id for key share`.execute(
    db,
  );
  const known = new Set(rows.map((row) => row.user_id));
  if (!named.every((id) => known.has(id))) throw new UnknownMember('a member is not in the directory yet');
  const statuses = new Map(rows.map((row) => [`${row.account_id} ${row.user_id}`, row.status]));
  const statusOf = (accountId: string, userId: string) => statuses.get(`${accountId} ${userId}`);
  const isActive = (accountId: string, userId: string) => statusOf(accountId, userId) === 'active';
  const active = admins.filter((row) => isActive(row.account_id, row.user_id));
  const directory = {
    statusOf,
    isLeaving: (userId: string) => leaving.includes(userId),
    firstAdmins: new Map(active.map((row) => [row.account_id, row.user_id])),
  };
  return new Map(
    converting.map((one): [string, Members] => {
      const { userId, accountId, memberIds } = one;
      const userIds = memberIds.filter((id) => isActive(accountId, id));
      if (userIds.length > 0) return [userId, { userIds }];
      const first = firstAdminOf(one, directory);
      if (!first) throw new NoFirstAdmin(`no active member and no first admin in account ${accountId}`);
      return [userId, { userIds: [first], warning: 'members-have-left' }];
    }),
  );
}

export const conversionsIn = (events: readonly UserEvent[]): Converting[] =>
  events.flatMap(({ data: { accountId, userId, departure } }) =>
    departure?.conversion ? [{ ...departure.conversion, accountId, userId, firstAdminId: departure.firstAdminId }] : [],
  );

/** Adds the warnings to the receipt lines of their rules. */
export function attachWarnings(
  lines: ReadonlyMap<string, ReceiptLine[]>,
  warnings: readonly ConversionWarning[],
): void {
  for (const { userId, rule, warning } of warnings) {
    for (const line of lines.get(userId) ?? []) if (line.rule === rule) line.warning ??= warning;
  }
}
