import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

export const Goal = defineEntity({
  name: 'Goal',
  tableName: 'goal',
  properties: {
    ...tenantRow(),
    name: p.text(),
    target: p.double(),
    ownerId: userRef(),
    createdAt: p.datetime(),
  },
});
export type GoalRow = InferEntity<typeof Goal>;
