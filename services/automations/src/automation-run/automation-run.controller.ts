import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
import {
  automationRun,
  automationRunGet,
  automationRuns,
  Problem,
  type AnswerOf,
  type Call,
  type CallOf,
  type RunReason,
  type RunStatus,
} from '#libs/contracts';
import { Clock, Directory, Ids, pageWindow, toPage } from '#libs/database';
import { personFields } from '#libs/platform';
import {
  Automation,
  AutomationExclusion,
  AutomationTriggerUser,
  type AutomationRow,
} from '../automation/automation.entity.js';
import { AutomationRun, type AutomationRunRow } from './automation-run.entity.js';

type Shown = AnswerOf<typeof automationRun>;

@Controller()
export class AutomationRunController {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** A run is recorded as terminated for good, so a user who has just returned must not count as having left. */
  @Prepares(automationRun)
  async prepareRun({ principal, body }: CallOf<typeof automationRun>): Promise<void> {
    await this.directory.prepareStatus(principal.accountId, [body.userId]);
  }

  @Handles(automationRun)
  async run({ principal, params, body }: CallOf<typeof automationRun>): Promise<Shown> {
    const { accountId } = principal;
    // Directory rows are locked before the rows that refer to them, in the same order as in a departure.
    const left = await this.directory.lockAndCheckLeft(accountId, body.userId);
    const automation = await this.find(accountId, params.id!, LockMode.PESSIMISTIC_READ);
    if (!automation.active) throw new Problem('conflict', { detail: 'This automation is not active.' });
    const run = this.em.create(AutomationRun, {
      id: this.ids.next(),
      accountId,
      automationId: automation.id,
      userId: body.userId,
      ...(await this.outcome(automation, body.userId, left)),
      createdAt: this.clock.now(),
    });
    await this.em.flush();
    return (await this.present([run]))[0]!;
  }

  @Handles(automationRuns)
  async list({ principal, params, query }: CallOf<typeof automationRuns>): Promise<AnswerOf<typeof automationRuns>> {
    const { id } = await this.find(principal.accountId, params.id!);
    const { limit, before } = pageWindow(query);
    const where = { automationId: id, ...(before && { id: { $lt: before } }) };
    const rows = await this.em.find(AutomationRun, where, { orderBy: { id: 'desc' }, limit: limit + 1 });
    const page = toPage(rows, query);
    return { ...page, items: await this.present(page.items) };
  }

  @Handles(automationRunGet)
  async get({ principal: { accountId }, params }: Call): Promise<Shown> {
    const run = await this.em.findOne(AutomationRun, { id: params.runId, automationId: params.id, accountId });
    if (!run) throw new Problem('not-found');
    return (await this.present([run]))[0]!;
  }

  /**
   * Decides how a run ends for a user. With selected users, a run for one who has left is terminated. With any user,
   * users who have left are excluded by their status, even if the automation is newer than their departure and so has
   * no exclusion row for them.
   */
  private async outcome(
    { id, triggerKind }: AutomationRow,
    userId: string,
    left: boolean,
  ): Promise<{ status: RunStatus; reason: RunReason | null }> {
    const found = { automationId: id, userId };
    if (triggerKind === 'any') {
      const excluded = left || (await this.em.findOne(AutomationExclusion, found)) !== null;
      return excluded ? { status: 'excluded', reason: 'user-inactive' } : { status: 'completed', reason: null };
    }
    if (!(await this.em.findOne(AutomationTriggerUser, found))) return { status: 'excluded', reason: 'not-selected' };
    return left ? { status: 'terminated', reason: 'user-inactive' } : { status: 'completed', reason: null };
  }

  private async find(accountId: string, id: string, lockMode?: LockMode.PESSIMISTIC_READ): Promise<AutomationRow> {
    const automation = await this.em.findOne(Automation, { id, accountId }, { lockMode });
    if (!automation) throw new Problem('not-found');
    return automation;
  }

  private async present(rows: readonly AutomationRunRow[]): Promise<Shown[]> {
    const views = await this.directory.views(rows.map((row) => row.userId));
    return rows.map(({ id, automationId, userId, status, reason, createdAt }) => ({
      id,
      automationId,
      ...(personFields('userId', userId, views) as Pick<Shown, 'userId' | 'user'>),
      status,
      ...(reason && { reason }),
      createdAt: createdAt.toISOString(),
    }));
  }
}
