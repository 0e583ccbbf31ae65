import { EntityManager, LockMode } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
import { assign, assignmentGet, assignments, Problem, type AnswerOf, type Call, type CallOf } from '#libs/contracts';
import { Clock, Directory, Ids, pageWindow, toPage } from '#libs/database';
import { personFields } from '#libs/platform';
import {
  Assignment,
  AssignmentRule,
  AssignmentRuleMember,
  type AssignmentRow,
  type AssignmentRuleRow,
} from './assignment-rule.entity.js';

type Shown = AnswerOf<typeof assign>;

@Controller()
export class AssignmentController {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** An assignment is recorded as failed for good, so a user who has just returned must not count as having left. */
  @Prepares(assign)
  async prepareAssignment({ principal, params }: CallOf<typeof assign>): Promise<void> {
    const { accountId } = principal;
    const members = await this.em.find(AssignmentRuleMember, { ruleId: params.id!, accountId });
    await this.directory.prepareStatus(
      accountId,
      members.map(({ userId }) => userId),
    );
  }

  /**
   * Locks the rule's row, so that turns are taken one after the other, and the user's directory row, so that the user
   * cannot leave between the check and the assignment.
   */
  @Handles(assign)
  async assign({ principal, params, body }: CallOf<typeof assign>): Promise<Shown> {
    const { accountId } = principal;
    const rule = await this.find(accountId, params.id!, LockMode.PESSIMISTIC_WRITE);
    const { userId, position } = await this.next(rule);
    const left = await this.directory.lockAndCheckLeft(accountId, userId);
    rule.lastPosition = position;
    const assignment = this.em.create(Assignment, {
      id: this.ids.next(),
      accountId,
      ruleId: rule.id,
      subjectId: body.subjectId ?? null,
      userId,
      status: left ? 'failed' : 'assigned',
      reason: left ? 'user-inactive' : null,
      createdAt: this.clock.now(),
    });
    await this.em.flush();
    return (await this.present([assignment]))[0]!;
  }

  @Handles(assignments)
  async list({ principal, params, query }: CallOf<typeof assignments>): Promise<AnswerOf<typeof assignments>> {
    const { id: ruleId } = await this.find(principal.accountId, params.id!);
    const { limit, before } = pageWindow(query);
    const { userId, status } = query;
    const where = {
      ruleId,
      ...(userId && { userId: userId === 'me' ? principal.userId : userId === 'none' ? null : userId }),
      ...(status && { status }),
      ...(before && { id: { $lt: before } }),
    };
    const rows = await this.em.find(Assignment, where, { orderBy: { id: 'desc' }, limit: limit + 1 });
    const page = toPage(rows, query);
    return { ...page, items: await this.present(page.items) };
  }

  @Handles(assignmentGet)
  async get({ principal: { accountId }, params }: Call): Promise<Shown> {
    const { id: ruleId, assignmentId: id } = params;
    const assignment = await this.em.findOne(Assignment, { id, ruleId, accountId });
    if (!assignment) throw new Problem('not-found');
    return (await this.present([assignment]))[0]!;
  }

  /** Returns the first member after the last position, starting over at the end. */
  private async next({ id: ruleId, lastPosition }: AssignmentRuleRow) {
    const first = (where: object) =>
      this.em.findOne(AssignmentRuleMember, { ruleId, ...where }, { orderBy: { position: 'asc' } });
    const turn = (await first({ position: { $gt: lastPosition ?? -1 } })) ?? (await first({}));
    if (!turn) throw new Problem('conflict', { detail: 'This rule has no users. Add users first.' });
    return turn;
  }

  private async find(accountId: string, id: string, lockMode?: LockMode.PESSIMISTIC_WRITE): Promise<AssignmentRuleRow> {
    const rule = await this.em.findOne(AssignmentRule, { id, accountId }, { lockMode });
    if (!rule) throw new Problem('not-found');
    return rule;
  }

  private async present(rows: readonly AssignmentRow[]): Promise<Shown[]> {
    const views = await this.directory.views(rows.map((row) => row.userId));
    return rows.map(({ id, ruleId, subjectId, status, reason, userId, createdAt }) => ({
      id,
      ruleId,
      subjectId: subjectId ?? null,
      status,
      ...(reason && { reason }),
      ...(personFields('userId', userId, views) as Pick<Shown, 'userId' | 'user'>),
      createdAt: createdAt.toISOString(),
    }));
  }
}
