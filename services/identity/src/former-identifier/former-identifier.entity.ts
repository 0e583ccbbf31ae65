import { defineEntity, p } from '@mikro-orm/postgresql';
import { personal, userRef } from '#libs/database';

/** A name, address, user name, staff id or external id that a user had before. */
export const FormerIdentifier = defineEntity({
  name: 'FormerIdentifier',
  tableName: 'former_identifier',
  properties: { id: p.uuid().primary(), userId: userRef(), identifier: personal(), createdAt: p.datetime() },
});

/** A person who was the user before a transfer: a JSON array of digests with the id as their salt. */
export const FormerPersonEntity = defineEntity({
  name: 'FormerPerson',
  tableName: 'former_person',
  properties: { id: p.uuid().primary(), userId: userRef(), digests: personal(), createdAt: p.datetime() },
});
