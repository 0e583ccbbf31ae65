import type { AnyEntity } from '#libs/database';
import type { Type } from '@nestjs/common';

/** One noun of a service: the entities of its tables and its controllers. */
export interface ServiceResource {
  entities?: readonly AnyEntity[];
  controllers: readonly Type[];
}

export const entitiesOf = (resources: readonly ServiceResource[]): AnyEntity[] =>
  resources.flatMap(({ entities = [] }) => entities);

export const controllersOf = (resources: readonly ServiceResource[]): Type[] =>
  resources.flatMap(({ controllers }) => controllers);
