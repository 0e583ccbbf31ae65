import { Id, Json, ListOf, Moment, Nested, Pattern, Text } from '../fields.js';
import { ListQuery, operation, OWNED, resource, UserView } from '../operation.js';

const service = 'contacts';

export class NewSegment {
  @Text() name: string;
  @Json({ about: 'Defines which contacts belong to the segment.' }) definition: Record<string, unknown>;
  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
}

export class SegmentChanges {
  @Text({ optional: true }) name?: string;
  @Json({
    optional: true,
    about: 'Defines which contacts belong to the segment. Campaigns keep the definition from when they were created.',
  })
  definition?: Record<string, unknown>;
  @Id({ optional: true, about: 'Hands it over to this user.' }) ownerId?: string;
}

export class Segment {
  @Id() id: string;
  @Text() name: string;
  @Json() definition: Record<string, unknown>;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @ListOf(() => UserView, { about: 'The latest 100 other users who have used it.', max: 100 })
  usedBy: UserView[];
  @Moment() createdAt: string;
}

export class SegmentCopy {
  @Text({ optional: true, about: 'Default: the name of the original with “(copy)” appended.' }) name?: string;
}

export class SegmentQuery extends ListQuery {
  @Pattern(
    /^(me|[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/,
    'the id of a user, or `me`',
    { optional: true, about: 'Id of the owner, or `me`.' },
  )
  ownerId?: string;
}

/** Every segment is shared with the whole account. */
export const segments = resource({
  service,
  path: '/v1/segments',
  access: OWNED,
  noun: 'a segment',
  plural: 'segments',
  thing: Segment,
  create: NewSegment,
  query: SegmentQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: SegmentChanges,
  updateSummary: 'Change a segment, or hand it over to another user',
  updateErrors: ['forbidden', 'unknown-user', 'inactive-user'],
});

export const segmentsCopy = operation<Segment, SegmentCopy>({
  id: 'segments.copy',
  service,
  method: 'POST',
  access: 'signed-in',
  path: '/v1/segments/:id/copy',
  summary: 'Copy a segment; the signed-in user owns the copy',
  body: SegmentCopy,
  bodyOptional: true,
  answer: Segment,
  errors: ['not-found'],
});

export const segmentsUse = operation<Segment>({
  id: 'segments.use',
  service,
  method: 'POST',
  access: 'signed-in',
  path: '/v1/segments/:id/use',
  summary: 'Record that the signed-in user uses a segment, to warn others before they remove it',
  answer: Segment,
  status: 200,
  errors: ['not-found'],
});
