import type { EntityManager } from '@mikro-orm/postgresql';
import { metadataOf, type AnyEntity } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';

export type Sql = RawBuilder<unknown>;

/** An entity as SQL sees it: properties by the names of their columns. */
export class Relation {
  readonly name: string;
  readonly table: Sql;
  private readonly columns: ReadonlyMap<string, { name: string; type: string }>;

  constructor(em: EntityManager, entity: AnyEntity) {
    const { tableName, properties } = metadataOf(em, entity);
    this.name = tableName;
    this.table = sql.table(tableName);
    this.columns = new Map(
      Object.values(properties).map((property) => [
        property.name,
        { name: property.fieldNames?.[0] ?? property.name, type: property.columnTypes?.[0] ?? '' },
      ]),
    );
  }

  /** @throws TypeError when there is no such property; so do the others */
  column(property: string): Sql {
    return sql.ref(this.columnName(property));
  }

  columnName(property: string): string {
    return this.known(property).name;
  }

  /** As the entity declares it; a person is a `user_ref`, a detail of theirs is `personal`. */
  columnType(property: string): string {
    return this.known(property).type;
  }

  private known(property: string) {
    const column = this.columns.get(property);
    if (!column) throw new TypeError(`${this.name} has no property ${property}`);
    return column;
  }
}
