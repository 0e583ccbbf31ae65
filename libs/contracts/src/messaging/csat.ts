import { Id, Moment, Nested, PersonFilter, Text, Whole } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';
import { MANAGERS } from '../principal.js';

export class NewCsatResponse {
  @Id() conversationId: string;
  @Whole({ min: 1, max: 5, about: 'From 1 (dissatisfied) to 5 (satisfied).' }) score: number;
  @Text({ max: 10_000, optional: true, nullable: true }) comment?: string | null;

  @Id({
    optional: true,
    nullable: true,
    about: 'The user who handled the conversation. Default: its assignee, or none if the assignee has left.',
  })
  agentId?: string | null;
}

export class CsatResponse {
  @Id() id: string;
  @Id({ nullable: true, about: 'Null if the conversation has been removed.' }) conversationId: string | null;
  @Whole({ min: 1, max: 5 }) score: number;
  @Text({ max: 10_000, nullable: true }) comment: string | null;
  @Id({ nullable: true }) agentId: string | null;
  @Nested(() => UserView, { nullable: true }) agent: UserView | null;
  @Moment() createdAt: string;
}

export class CsatQuery extends ListQuery {
  @Id({ optional: true }) conversationId?: string;
  @PersonFilter('Id of the agent, `me`, or `none`.') agentId?: string;
}

/** For the survey's connector, with a manager's API token: the users who are rated do not write the ratings. */
export const csatResponses = resource({
  service: 'messaging',
  path: '/v1/csat-responses',
  access: { create: MANAGERS, list: 'signed-in', get: 'record-owner-or-manager', remove: MANAGERS },
  noun: 'a customer satisfaction response',
  plural: 'customer satisfaction responses',
  thing: CsatResponse,
  create: NewCsatResponse,
  query: CsatQuery,
  errors: ['unknown-reference', 'unknown-user', 'inactive-user'],
});
