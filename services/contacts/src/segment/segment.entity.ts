import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

export const Segment = defineEntity({
  name: 'Segment',
  tableName: 'segment',
  properties: {
    ...tenantRow(),
    name: p.text(),
    definition: p.json<Record<string, unknown>>(),
    ownerId: userRef(),
    createdAt: p.datetime(),
  },
});
export type SegmentRow = InferEntity<typeof Segment>;

/** A user uses a segment. Deleted with the segment. */
export const SegmentUse = defineEntity({
  name: 'SegmentUse',
  tableName: 'segment_use',
  properties: {
    segmentId: p.uuid().primary(),
    userId: userRef().primary(),
    usedAt: p.datetime(),
  },
});
