import { Id, Ids, ListOf, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, resource, UserView, type Page } from '../operation.js';

const service = 'automations';
const MOST_MEMBERS = 1000;

export class NewAssignmentRule {
  @Text({ optional: true }) name?: string;
  @Ids({ min: 1, max: MOST_MEMBERS, about: 'Whose turn comes round, in this order.' }) userIds: string[];
}

export class AssignmentRule {
  @Id() id: string;
  @Text({ nullable: true }) name: string | null;
  @Ids({ max: MOST_MEMBERS, about: 'In the order of their turns.' }) userIds: string[];
  @ListOf(() => UserView, { max: MOST_MEMBERS }) users: UserView[];
  @Moment() createdAt: string;
}

export class AssignmentRuleQuery extends ListQuery {
  @PersonFilter('Id of somebody whose turn comes round, or `me`.') userId?: string;
}

export const assignmentRules = resource({
  service,
  path: '/v1/assignment-rules',
  noun: 'an assignment rule',
  thing: AssignmentRule,
  create: NewAssignmentRule,
  query: AssignmentRuleQuery,
  errors: ['unknown-user', 'inactive-user'],
});

export class AssignmentRuleChanges {
  @Text({ optional: true }) name?: string;
  @Ids({
    optional: true,
    min: 1,
    max: MOST_MEMBERS,
    about: 'In place of those before. It goes on behind whoever had the last turn, or from the start without them.',
  })
  userIds?: string[];
}

export const assignmentRuleUpdate = operation<AssignmentRule, AssignmentRuleChanges>({
  id: 'assignment-rules.update',
  service,
  method: 'PATCH',
  path: '/v1/assignment-rules/:id',
  summary: 'Rename an assignment rule, or change whose turn comes round',
  body: AssignmentRuleChanges,
  answer: AssignmentRule,
  errors: ['not-found', 'unknown-user', 'inactive-user'],
});

export const ASSIGNMENT_STATUSES = ['assigned', 'failed'] as const;
export type AssignmentStatus = (typeof ASSIGNMENT_STATUSES)[number];

export const ASSIGNMENT_REASONS = ['user-inactive'] as const;
export type AssignmentReason = (typeof ASSIGNMENT_REASONS)[number];

export class NewAssignment {
  @Id({ optional: true, about: 'What is to be assigned, as the caller knows it.' }) subjectId?: string;
}

export class Assignment {
  @Id() id: string;
  @Id() ruleId: string;
  @Id({ nullable: true }) subjectId: string | null;

  @OneOf(ASSIGNMENT_STATUSES, {
    about: 'It fails when the turn is of somebody who has left. The next attempt is the next user’s turn.',
  })
  status: AssignmentStatus;

  @OneOf(ASSIGNMENT_REASONS, { optional: true, about: 'Why it failed.' }) reason?: AssignmentReason;
  @Id({ about: 'Whose turn it was.' }) userId: string;
  @Nested(() => UserView) user: UserView;
  @Moment() createdAt: string;
}

export class AssignmentQuery extends ListQuery {
  @PersonFilter('Id of whose turn it was, or `me`.') userId?: string;
  @OneOf(ASSIGNMENT_STATUSES, { optional: true }) status?: AssignmentStatus;
}

export const assign = operation<Assignment, NewAssignment>({
  id: 'assignments.create',
  service,
  method: 'POST',
  path: '/v1/assignment-rules/:id/assignments',
  summary: 'Assign something to whose turn it is',
  body: NewAssignment,
  bodyOptional: true,
  answer: Assignment,
  errors: ['not-found', 'conflict'],
});

export const assignments = operation<Page<Assignment>, NoBody, AssignmentQuery>({
  id: 'assignments.list',
  service,
  method: 'GET',
  path: '/v1/assignment-rules/:id/assignments',
  summary: 'List what an assignment rule has assigned, and what failed',
  query: AssignmentQuery,
  answer: pageOf(Assignment),
  errors: ['not-found'],
});

export const assignmentGet = operation<Assignment>({
  id: 'assignments.get',
  service,
  method: 'GET',
  path: '/v1/assignment-rules/:id/assignments/:assignmentId',
  summary: 'Read an assignment',
  answer: Assignment,
  errors: ['not-found'],
});
