import { Id, Ids, ListOf, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, resource, UserView, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';

const service = 'automations';
const MOST_MEMBERS = 1000;

export class NewAssignmentRule {
  @Text({ optional: true }) name?: string;
  @Ids({ min: 1, max: MOST_MEMBERS, about: 'The users who take turns, in this order.' }) userIds: string[];
}

export class AssignmentRule {
  @Id() id: string;
  @Text({ nullable: true }) name: string | null;
  @Ids({ max: MOST_MEMBERS, about: 'In the order of their turns.' }) userIds: string[];
  @ListOf(() => UserView, { max: MOST_MEMBERS }) users: UserView[];
  @Moment() createdAt: string;
}

export class AssignmentRuleQuery extends ListQuery {
  @PersonFilter('Id of a user who takes turns, or `me`.') userId?: string;
}

export class AssignmentRuleChanges {
  @Text({ optional: true }) name?: string;
  @Ids({
    optional: true,
    min: 1,
    max: MOST_MEMBERS,
    about:
      'Replaces the list. Next is the user after the one who had the last turn, or the first user if that one is not ' +
      'listed any more.',
  })
  userIds?: string[];
}

export const assignmentRules = resource({
  service,
  path: '/v1/assignment-rules',
  access: { create: MANAGERS, list: 'signed-in', get: 'signed-in', remove: MANAGERS, update: MANAGERS },
  noun: 'an assignment rule',
  plural: 'assignment rules',
  thing: AssignmentRule,
  create: NewAssignmentRule,
  query: AssignmentRuleQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: AssignmentRuleChanges,
  updateSummary: 'Rename an assignment rule or change its users',
  updateErrors: ['unknown-user', 'inactive-user'],
});

export const ASSIGNMENT_STATUSES = ['assigned', 'failed'] as const;
export type AssignmentStatus = (typeof ASSIGNMENT_STATUSES)[number];

export const ASSIGNMENT_REASONS = ['user-inactive'] as const;
export type AssignmentReason = (typeof ASSIGNMENT_REASONS)[number];

export class NewAssignment {
  @Id({ optional: true, about: 'Your id of the thing to assign.' }) subjectId?: string;
}

export class Assignment {
  @Id() id: string;
  @Id() ruleId: string;
  @Id({ nullable: true }) subjectId: string | null;

  @OneOf(ASSIGNMENT_STATUSES, {
    about: '`failed` if it is the turn of a user who has left. The next assignment is the next user’s turn.',
  })
  status: AssignmentStatus;

  @OneOf(ASSIGNMENT_REASONS, { optional: true, about: 'Why it failed.' }) reason?: AssignmentReason;
  @Id({ about: 'The user whose turn it was.' }) userId: string;
  @Nested(() => UserView) user: UserView;
  @Moment() createdAt: string;
}

export class AssignmentQuery extends ListQuery {
  @PersonFilter('Id of the user whose turn it was, or `me`.') userId?: string;
  @OneOf(ASSIGNMENT_STATUSES, { optional: true }) status?: AssignmentStatus;
}

export const assign = operation<Assignment, NewAssignment>({
  id: 'assignments.create',
  service,
  method: 'POST',
  access: 'signed-in',
  path: '/v1/assignment-rules/:id/assignments',
  summary: 'Assign something to the next user',
  body: NewAssignment,
  bodyOptional: true,
  answer: Assignment,
  errors: ['not-found', 'conflict'],
});

export const assignments = operation<Page<Assignment>, NoBody, AssignmentQuery>({
  id: 'assignments.list',
  service,
  method: 'GET',
  access: 'signed-in',
  path: '/v1/assignment-rules/:id/assignments',
  summary: 'List the assignments of an assignment rule, including failed ones',
  query: AssignmentQuery,
  answer: pageOf(Assignment),
  errors: ['not-found'],
});

export const assignmentGet = operation<Assignment>({
  id: 'assignments.get',
  service,
  method: 'GET',
  access: 'signed-in',
  path: '/v1/assignment-rules/:id/assignments/:assignmentId',
  summary: 'Read an assignment',
  answer: Assignment,
  errors: ['not-found'],
});
