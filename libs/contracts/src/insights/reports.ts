import { Flag, Id, Ids, Json, ListOf, Moment, Nested, PersonFilter, Shape, Text } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'insights';
const MOST_USERS = 1000;

/** How widely a report is shared. */
export type Sharing = 'nobody' | 'users' | 'everyone';

/** Whom a report is shared with: the ids of users, or all users of the account. */
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
    `\`everyone\` or a list of at most ${MOST_USERS} different user ids`,
    { about, optional },
  );

export class NewReport {
  @Text() name: string;
  @Json({ optional: true, about: 'The definition of the report.' }) definition?: Record<string, unknown>;
  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
  @SharedWithField('Who else may read it. Default: nobody.', true) sharedWith?: SharedWith;
  @Ids({ optional: true, about: 'Users whose figures the report contains.' }) participantIds?: string[];
}

export class ReportChanges {
  @Text({ optional: true }) name?: string;
  @Json({ optional: true, about: 'The definition of the report.' }) definition?: Record<string, unknown>;
  @Id({ optional: true, about: 'Hands it over to this user. It stays shared with the same users.' }) ownerId?: string;
  @Ids({ optional: true, about: 'Replaces the list. Participants who have left may stay in it.' })
  participantIds?: string[];
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
  @Flag({ about: 'True if a departure of the owner has ended the sharing.' })
  withdrawn: boolean;
  @Ids() participantIds: string[];
  @ListOf(() => UserView) participants: UserView[];
  @Moment() createdAt: string;
}

export class ReportQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
}

/** Reports are visible to their owners and to users they are shared with. */
export const reports = resource({
  service,
  path: '/v1/reports',
  access: {
    create: 'signed-in',
    list: 'signed-in',
    get: 'record-grantee',
    remove: 'record-grantee',
    update: 'record-owner',
  },
  noun: 'a report',
  plural: 'reports',
  thing: Report,
  create: NewReport,
  query: ReportQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: ReportChanges,
  updateSummary: 'Change your own report or its participants, or hand it over to another user',
  updateErrors: ['forbidden', 'unknown-user', 'inactive-user'],
});

export class ReportSharing {
  @SharedWithField('Replaces the previous sharing. An empty list ends it.') sharedWith: SharedWith;
}

export const reportShare = operation<Report, ReportSharing>({
  id: 'reports.share',
  service,
  method: 'PUT',
  access: 'record-owner',
  path: '/v1/reports/:id/sharing',
  summary: 'Share your own report, even if it has been withdrawn',
  body: ReportSharing,
  answer: Report,
  errors: ['not-found', 'forbidden', 'unknown-user', 'inactive-user'],
});
