import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

export const Team = defineEntity({
  name: 'Team',
  tableName: 'team',
  properties: {
    ...tenantRow(),
    name: p.text(),
    externalId: p.text().nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime().nullable(),
  },
});

export const TeamMember = defineEntity({
  name: 'TeamMember',
  tableName: 'team_member',
  properties: { id: p.uuid().primary(), teamId: p.uuid(), userId: userRef() },
});
