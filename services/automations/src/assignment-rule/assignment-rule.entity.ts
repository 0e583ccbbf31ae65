import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { AssignmentReason, AssignmentStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const AssignmentRule = defineEntity({
  name: 'AssignmentRule',
  tableName: 'assignment_rule',
  properties: {
    ...tenantRow(),
    name: p.text().nullable(),
    /** Position of the user who had the last turn; null before the first turn. */
    lastPosition: p.integer().nullable(),
    createdAt: p.datetime(),
  },
});
export type AssignmentRuleRow = InferEntity<typeof AssignmentRule>;

/** A user in a rule's round robin. Positions may have gaps. */
export const AssignmentRuleMember = defineEntity({
  name: 'AssignmentRuleMember',
  tableName: 'assignment_rule_member',
  properties: {
    ...tenantRow(),
    ruleId: p.uuid(),
    userId: userRef(),
    position: p.integer(),
  },
});

/** The result of one turn. */
export const Assignment = defineEntity({
  name: 'Assignment',
  tableName: 'assignment',
  properties: {
    ...tenantRow(),
    ruleId: p.uuid(),
    subjectId: p.uuid().nullable(),
    userId: userRef(),
    status: p.text().$type<AssignmentStatus>(),
    reason: p.text().$type<AssignmentReason>().nullable(),
    createdAt: p.datetime(),
  },
});
export type AssignmentRow = InferEntity<typeof Assignment>;
