import type { ObjectQuery } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import {
  assignmentRules,
  type AssignmentRuleChanges,
  type Call,
  type ListQuery,
  type NewAssignmentRule,
  type NoBody,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { AssignmentRule, AssignmentRuleMember, type AssignmentRuleRow } from './assignment-rule.entity.js';

const base = plainResource(assignmentRules, { entity: AssignmentRule, shown: ['name', 'createdAt'] });

type NewRow = Partial<AssignmentRuleRow> & { userIds: string[] };

@Controller()
export class AssignmentRuleController extends base {
  override async prepare({ body }: Call): Promise<NewRow> {
    const { name = null, userIds } = body as NewAssignmentRule;
    return { name, lastPosition: null, userIds };
  }

  override async insert(call: Pick<Call, 'principal'>, { userIds, ...values }: NewRow): Promise<AssignmentRuleRow> {
    await this.directory.requireActive(call.principal.accountId, userIds);
    const rule = await super.insert(call, values);
    await this.replaceMembers(rule, userIds);
    return rule;
  }

  override filter(call: Call<NoBody, ListQuery>): ObjectQuery<AssignmentRuleRow> {
    const { userId } = this.asked(call);
    if (userId === undefined) return {};
    const naming = this.em.createQueryBuilder(AssignmentRuleMember).select('ruleId').where({ userId });
    return { id: { $in: naming } };
  }

  override async present(rows: readonly AssignmentRuleRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const ids = rows.map((row) => row.id);
    const members = await this.em.find(
      AssignmentRuleMember,
      { ruleId: { $in: ids } },
      { orderBy: { position: 'asc' } },
    );
    const views = await this.directory.views(members.map((member) => member.userId));
    const byRule = Map.groupBy(members, (member) => member.ruleId);
    return answers.map((answer, index) => {
      const userIds = (byRule.get(ids[index]!) ?? []).map((member) => member.userId);
      return { ...answer, userIds, users: userIds.map((userId) => views.get(userId)) };
    });
  }

  override async prepareChange({ accountId }: AssignmentRuleRow, { body }: Call<AssignmentRuleChanges>): Promise<void> {
    await this.directory.requireActive(accountId, body.userIds ?? []);
  }

  override async change(rule: AssignmentRuleRow, { body }: Call<AssignmentRuleChanges>): Promise<void> {
    rule.name = body.name ?? rule.name;
    if (body.userIds) await this.replaceMembers(rule, body.userIds);
  }

  /**
   * Replaces the members. If the user of the last turn is still a member, the next turn goes to the user after them;
   * otherwise it starts from the first.
   */
  private async replaceMembers(rule: AssignmentRuleRow, userIds: readonly string[]): Promise<void> {
    const { id: ruleId, accountId, lastPosition } = rule;
    const last =
      lastPosition === null ? null : await this.em.findOne(AssignmentRuleMember, { ruleId, position: lastPosition });
    const position = last ? userIds.indexOf(last.userId) : -1;
    rule.lastPosition = position < 0 ? null : position;
    await this.em.nativeDelete(AssignmentRuleMember, { ruleId });
    const members = userIds.map((userId, at) => ({ id: this.ids.next(), accountId, ruleId, userId, position: at }));
    await this.em.insertMany(AssignmentRuleMember, members);
  }
}
