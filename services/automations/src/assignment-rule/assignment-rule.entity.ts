import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { AssignmentReason, AssignmentStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const AssignmentRule = defineEntity({
  name: 'AssignmentRule',
  tableName: 'assignment_rule',
  properties: {
    ...tenantRow(),
    name: p.text().nullable(),
    /** Position of whoever had the last turn; null before the first. */
    lastPosition: p.integer().nullable(),
    createdAt: p.datetime(),
  },
});
export type AssignmentRuleRow = InferEntity<typeof AssignmentRule>;

/** Somebody whose turn comes round. Positions may have gaps. */
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

/** What became of somebody's turn. */
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
