import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal } from '#libs/contracts';
import { sql } from 'kysely';
import { isoOf } from '../../../../common/moments.js';
import { isManager, usersIn } from '../../../../policy/successor-choices.js';
import { PlanTokens } from '../../../plan/token/plan-token.js';
import type { ReadBulk } from '../bulk-requests.js';
import { listedRows } from '../bulk-rows.js';
import { DryRunRows, type CountedRow, type RowToCount } from './dry-run-rows.js';
import { DryRunStore, type DryRun } from './dry-run-store.js';
import { changesBetweenTotals, listDigestOf, sumOf } from './dry-run-totals.js';

const OF_LIST = 'list:';

/** What the plan token of a dry run is about. */
export const factsOfList = (dryRunId: string): string => `${OF_LIST}${dryRunId}`;

type Asker = Pick<Principal, 'accountId' | 'roles'>;

/** Compares lists with the dry runs whose plan tokens they carry. */
@Injectable()
export class PlannedLists {
  constructor(
    private readonly em: EntityManager,
    private readonly tokens: PlanTokens,
    private readonly store: DryRunStore,
    private readonly rows: DryRunRows,
  ) {}

  /**
   * Counts again what would be destroyed, so it comes before the transaction.
   * @throws Problem `plan-stale`, with what has changed; `service-unavailable` naming a service that does not answer
   */
  async check(principal: Asker, list: ReadBulk, planToken: string): Promise<void> {
    const { accountId } = principal;
    const dryRun = await this.dryRunOf(accountId, planToken);
    if (!dryRun) throw stale('The plan token is not of a dry run that there is. Make a new one.');
    const listed = listedRows(list.rows);
    if (dryRun.list_digest !== listDigestOf(list, listed))
      throw stale('The list is not the one of the dry run. Make a new dry run.');
    const rows = listed.flatMap(({ n, userId, successors, fault }) =>
      fault || userId === null ? [] : [{ n, userId, successors }],
    );
    const binding = await this.count(principal, list, rows, { onlyBinding: true });
    const before = await this.store.digests(dryRun.id);
    const isSame = before.size === binding.length && binding.every(({ n, digest }) => before.get(n) === digest);
    if (isSame && !(await this.successorsChanged(dryRun, list))) return;
    const now = await this.count(principal, list, rows);
    const totals = sumOf(now.filter(({ possible }) => possible).flatMap((row) => row.totals));
    const changed = binding.filter(({ n, digest }) => before.get(n) !== digest).length;
    const detail = `${changed} of ${listed.length} rows have changed since the dry run. Make a new one.`;
    throw stale(detail, changesBetweenTotals(dryRun.totals, totals));
  }

  isOfDryRun(planToken: string): boolean {
    return this.tokens.read(planToken)?.facts.startsWith(OF_LIST) === true;
  }

  /** When the dry run of this token is deleted. */
  async expiryOf(accountId: string, planToken: string): Promise<Date | undefined> {
    const dryRun = await this.dryRunOf(accountId, planToken);
    return dryRun && new Date(isoOf(dryRun.expires_at));
  }

  private async dryRunOf(accountId: string, planToken: string): Promise<DryRun | undefined> {
    const { facts = '' } = this.tokens.read(planToken) ?? {};
    return facts.startsWith(OF_LIST) ? this.store.find(accountId, facts.slice(OF_LIST.length)) : undefined;
  }

  private count(
    { accountId, roles }: Asker,
    list: ReadBulk,
    rows: readonly RowToCount[],
    options: { onlyBinding?: boolean } = {},
  ): Promise<CountedRow[]> {
    const { transition, effectiveAt, successors, overrides } = list;
    const request = { accountId, transition, effectiveAt, roles, successors, overrides };
    return this.rows.count(request, rows, {
      ...options,
      leavers: new Set(rows.map(({ userId }) => userId)),
      leavingOwners: [],
    });
  }

  /** As with other plan tokens, any change of a named successor counts. */
  private async successorsChanged(dryRun: DryRun, { successors, rows }: ReadBulk): Promise<boolean> {
    const choices = [successors, ...rows.map((row) => row.successors)].flatMap((some) => Object.values(some ?? {}));
    const named = [...new Set(usersIn(choices, null))];
    const leavers = choices.some(isManager) ? rows.flatMap(({ userId }) => userId ?? []) : [];
    const { rows: changed } = await sql`
      select from users
      where (id = any(${named}::uuid[]) or id in (select manager_id from users where id = any(${leavers}::uuid[])))
        and updated_at > ${isoOf(dryRun.requested_at)}
      limit 1`.execute(this.em.getKysely());
    return changed.length > 0;
  }
}

const stale = (detail: string, changes?: Problem['details']['changes']) =>
  new Problem('plan-stale', { detail, ...(changes && { changes }) });
