import type { EntityManager } from '@mikro-orm/postgresql';
import { metadataOf, type AnyEntity } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';

export type Sql = RawBuilder<unknown>;

/** Maps an entity's properties to the columns of its table. */
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

  /** @throws TypeError if the entity has no such property; so do the other methods */
  column(property: string): Sql {
    return sql.ref(this.columnName(property));
  }

  has(property: string): boolean {
    return this.columns.has(property);
  }

  columnName(property: string): string {
    return this.known(property).name;
  }

  /** The type that the entity declares: `user_ref` for a user's id, `personal` for personal data. */
  columnType(property: string): string {
    return this.known(property).type;
  }

  private known(property: string) {
    const column = this.columns.get(property);
    if (!column) throw new TypeError(`${this.name} has no property ${property}`);
    return column;
  }
}
