import { Injectable } from '@nestjs/common';
import {
  AFFECTED_ROW_POSITION,
  ROW_POSITION,
  type AffectedRows,
  type AffectedRowsQuery,
  type CountedRow,
  type Page,
  type PreviewedRowsQuery,
  type Principal,
  type RowPage,
  type RowsReason,
} from '#libs/contracts';
import { decodeCursor, Directory, encodeCursor } from '#libs/database';
import { ruleOf } from '../../../policy/choices.js';
import { assertMayManage } from '../../../user/actors.js';
import { UserRows, type UserRow } from '../../../user/user-rows.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import type { DepartureRow } from '../../store/departure-row.js';
import { Planner } from '../planner.js';
import { RuleServices } from '../rule-services.js';

const DEFAULT_LIMIT = 50;

/** Lists the rows behind the counts of previews and departures. Labels pass through: they are not stored or logged. */
@Injectable()
export class RowsBehindCounts {
  constructor(
    private readonly planner: Planner,
    private readonly owners: RuleServices,
    private readonly departures: DepartureQueries,
    private readonly users: UserRows,
    private readonly directory: Directory,
  ) {}

  /** @throws Problem `not-found`, `forbidden`, `unknown-rule`, `invalid-action`, `invalid-cursor`, `service-unavailable` */
  async ofPreview(principal: Principal, userId: string, query: PreviewedRowsQuery): Promise<Page<CountedRow>> {
    const { rule, part, transition, lineTransition, action, scope, limit = DEFAULT_LIMIT, cursor } = query;
    const after = cursor ? decodeCursor(cursor, ROW_POSITION) : null;
    const overrides = action ? { [rule]: { action, ...(scope && { scope }) } } : {};
    const plan =
      transition === 'reassigned'
        ? await this.planner.planReassignment(principal.accountId, userId, { rules: [rule] })
        : await this.planner.plan(principal.accountId, userId, transition, { overrides });
    assertMayManage(principal.roles, plan.user.roles);
    const { service } = ruleOf(plan.catalogue, rule);
    const line = lineTransition ?? plan.steps.findLast((step) => plan.rules[rule]?.[step]) ?? transition;
    const asked = { rule, ...(part && { part }), transition: line, asker: askerOf(principal), after, limit };
    const page = await this.owners.rows(service, plan, asked);
    return { items: await this.shown(principal.accountId, page), nextCursor: cursorOf(page) };
  }

  /** @throws Problem `not-found`, `forbidden`, `unknown-rule`, `invalid-cursor`, `service-unavailable` */
  async ofDeparture(principal: Principal, id: string, query: AffectedRowsQuery): Promise<AffectedRows> {
    const { accountId } = principal;
    const { rule, part, limit = DEFAULT_LIMIT, cursor } = query;
    const after = cursor ? decodeCursor(cursor, AFFECTED_ROW_POSITION) : null;
    const departure = await this.departures.get(accountId, id);
    const user = await this.users.get(accountId, departure.user_id);
    assertMayManage(principal.roles, user.roles);
    const { service } = ruleOf(await this.planner.catalogueOf(), rule);
    const reason = reasonFor(departure, user, query);
    if (reason) return { items: [], nextCursor: null, gone: 0, reason };
    const page = await this.owners.affectedRows(service, {
      ...{ accountId, userId: user.id, lifecycleVersion: departure.lifecycle_version, rule, ...(part && { part }) },
      ...{ asker: askerOf(principal), after, limit },
    });
    return {
      items: await this.shown(accountId, page),
      nextCursor: cursorOf(page),
      gone: page.gone,
      ...(page.reason && { reason: page.reason }),
    };
  }

  /** With the users of the account who have the rows. */
  private async shown(accountId: string, { rows }: RowPage): Promise<CountedRow[]> {
    const holders = [...new Set(rows.flatMap(({ holderId }) => holderId ?? []))];
    const own = await this.users.ofAccount(accountId, holders);
    const views = await this.directory.views([...own.keys()]);
    return rows.map(({ id, type, label, hidden, holderId }) => {
      const user = holderId && views.get(holderId);
      return { id, type, label, ...(hidden && { hidden }), ...(user && { now: { user } }) };
    });
  }
}

const askerOf = ({ userId, roles }: Principal) => ({ userId, roles });
const cursorOf = ({ next }: RowPage): string | null => (next === null ? null : encodeCursor(next));

/** Why no service has to be asked. Undo records exist for the deactivations since the user was last active. */
function reasonFor(
  departure: DepartureRow,
  user: UserRow,
  { transition = 'deactivated' }: AffectedRowsQuery,
): RowsReason | undefined {
  if (departure.begun_at === null) return 'not-applied';
  if (departure.transition === 'deleted' || user.status === 'deleted') return 'user-deleted';
  if (departure.transition !== 'deactivated' || transition !== 'deactivated') return 'not-recorded';
  return departure.lifecycle_version <= user.active_since ? 'user-returned' : undefined;
}
