import { Flag, Id, Ids, Json, ListOf, Moment, Nested, PersonFilter, Shape, Text } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'insights';
const MOST_USERS = 1000;

/** How widely a report is shared. */
export type Sharing = 'nobody' | 'users' | 'everyone';

/** Whom a report is shared with: users by id, or the whole account. */
export type SharedWith = string[] | 'everyone';

const EVERYONE = { type: 'string', enum: ['everyone'] };

const SharedWithField = (about: string, optional = false) =>
  Shape(
    {
      anyOf: [
        EVERYONE,
        { type: 'array', items: { type: 'string', format: 'uuid' }, maxItems: MOST_USERS, uniqueItems: true },
      ],
    },
    `\`everyone\` or a list of at most ${MOST_USERS} ids of users, each once`,
    { about, optional },
  );

export class NewReport {
  @Text() name: string;
  @Json({ optional: true, about: 'What the report tells, and of what.' }) definition?: Record<string, unknown>;
  @Id({ optional: true, about: 'The caller unless given.' }) ownerId?: string;
  @SharedWithField('Who else may read it; nobody unless given.', true) sharedWith?: SharedWith;
  @Ids({ optional: true, about: 'Users whose figures the report tells.' }) participantIds?: string[];
}

export class Report {
  @Id() id: string;
  @Text() name: string;
  @Json() definition: Record<string, unknown>;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Shape(
    { anyOf: [EVERYONE, { type: 'array', items: { $ref: '#/components/schemas/UserView' } }] },
    '`everyone` or a list of users',
    { nested: () => UserView },
  )
  sharedWith: UserView[] | 'everyone';
  @Flag({ about: 'True once a departure of the owner has taken it from everybody it was shared with.' })
  withdrawn: boolean;
  @Ids() participantIds: string[];
  @ListOf(() => UserView) participants: UserView[];
  @Moment() createdAt: string;
}

export class ReportQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
}

/** A report is there for its owner and for those it is shared with. */
export const reports = resource({
  service,
  path: '/v1/reports',
  noun: 'a report',
  thing: Report,
  create: NewReport,
  query: ReportQuery,
  errors: ['unknown-user', 'inactive-user'],
});

export class ReportSharing {
  @SharedWithField('Takes the place of whom it was shared with; an empty list for nobody.') sharedWith: SharedWith;
}

export const reportShare = operation<Report, ReportSharing>({
  id: 'reports.share',
  service,
  method: 'PUT',
  path: '/v1/reports/:id/sharing',
  summary: 'Share one’s own report, also one that has been withdrawn',
  body: ReportSharing,
  answer: Report,
  errors: ['not-found', 'forbidden', 'unknown-user', 'inactive-user'],
});
