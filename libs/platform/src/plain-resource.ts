import { Handles } from '#libs/broker';
import {
  isManager,
  Problem,
  type Call,
  type ListQuery,
  type NoBody,
  type NoQuery,
  type Operation,
  type Page,
  type UserView,
} from '#libs/contracts';
import { Clock, Directory, Ids, pageWindow, toPage, metadataOf, type AnyEntity } from '#libs/database';
import { EntityManager, type ObjectQuery } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';

interface Operations<T, C extends object, Q extends ListQuery> {
  create: Operation<C, NoQuery, T>;
  list: Operation<NoBody, Q, Page<T>>;
  get: Operation<NoBody, NoQuery, T>;
  remove: Operation<NoBody, NoQuery, undefined>;
}

interface Spec<Row> {
  entity: AnyEntity & { readonly '~entity': Row };
  /** Properties that are returned unchanged. */
  shown: readonly (keyof Row & string)[];
  /**
   * Properties that refer to users. A user named in a request must not have left. In responses `ownerId` is accompanied
   * by `owner` with name and status, and a property without `Id`, like `assignee`, becomes that view.
   */
  people?: readonly (keyof Row & string)[];
  /** The user property that defaults to the caller. */
  mine?: keyof Row & string;
  /** Only the user in `mine` and managers may remove it. */
  own?: boolean;
}

export interface TenantRow {
  id: string;
  accountId: string;
}

/**
 * Creates a controller with the four calls of a plain resource: tenant-scoped, refusing users who have left, newest
 * first. A subclass adds behaviour by overriding `prepare`, `filter`, `present` or `discard`, or with its own handlers.
 * The four handlers cannot be overridden, because their subjects are registered for the methods here.
 */
export function plainResource<Row extends TenantRow, T, C extends object, Q extends ListQuery>(
  operations: Operations<T, C, Q>,
  spec: Spec<Row>,
) {
  const { entity, shown, people = [], mine, own = false } = spec;
  // The decorators compare the methods' types with the operations'; here both are generic.
  const any = operations as unknown as Operations<object, object, ListQuery>;

  /** The user that the row refers to in this property. */
  const personIn = (row: Partial<Row>, name: keyof Row) => row[name] as string | null | undefined;

  const view = (row: Row, views: ReadonlyMap<string, UserView>): Record<string, unknown> => {
    const answer: Record<string, unknown> = { id: row.id };
    for (const name of shown) {
      const value: unknown = row[name];
      answer[name] = value instanceof Date ? value.toISOString() : (value ?? null);
    }
    for (const name of people) Object.assign(answer, personFields(name, personIn(row, name), views));
    return answer;
  };

  @Injectable()
  class PlainResource {
    constructor(
      readonly em: EntityManager,
      readonly directory: Directory,
      readonly ids: Ids,
      readonly clock: Clock,
    ) {
      metadataOf(em, entity);
    }

    @Handles(any.create)
    async create(call: Call, prepared?: unknown): Promise<object> {
      const row = await this.insert(call, await this.prepare(call, prepared));
      return (await this.present([row], call))[0]!;
    }

    @Handles(any.list)
    async list(call: Call<NoBody, ListQuery>): Promise<Page<object>> {
      const { limit, before } = pageWindow(call.query);
      const where = {
        ...this.filter(call),
        accountId: call.principal.accountId,
        ...(before && { id: { $lt: before } }),
      };
      const rows: Row[] = await this.em.find(entity, where, { orderBy: { id: 'desc' }, limit: limit + 1 });
      const page = toPage(rows, call.query);
      return { ...page, items: await this.present(page.items, call) };
    }

    @Handles(any.get)
    async get(call: Call): Promise<object> {
      return (await this.present([await this.find(call)], call))[0]!;
    }

    @Handles(any.remove)
    async remove(call: Call): Promise<void> {
      const row = await this.find(call);
      const mayRemove = !own || personIn(row, mine!) === call.principal.userId || isManager(call.principal);
      if (!mayRemove) throw new Problem('forbidden', { detail: 'Only its owner and managers may do this.' });
      await this.discard(row, call);
    }

    /**
     * Returns the values of a new row, and any extra values that the resource's `insert` needs. Runs in the transaction
     * that inserts the row.
     * @param _prepared the result of the resource's `@Prepares(operations.create)` method
     */
    async prepare({ body }: Call, _prepared?: unknown): Promise<Partial<Row>> {
      return { ...(body as Partial<Row>) };
    }

    /** Removes a row and its dependent data. */
    async discard(row: Row, _call: Pick<Call, 'principal'>): Promise<void> {
      this.em.remove(row);
    }

    /** Conditions for the list, in addition to the account. */
    filter(call: Call<NoBody, ListQuery>): ObjectQuery<Row> {
      return this.asked(call) as ObjectQuery<Row>;
    }

    /** The query's fields, with `me` replaced by the caller and `none` by null. */
    asked({ query, principal }: Call<NoBody, ListQuery>): Record<string, unknown> {
      const { limit: _limit, cursor: _cursor, ...fields } = query as ListQuery & Record<string, unknown>;
      const value = (given: unknown) => (given === 'me' ? principal.userId : given === 'none' ? null : given);
      return Object.fromEntries(
        Object.entries(fields)
          .filter(([, given]) => given !== undefined)
          .map(([name, given]) => [name, value(given)]),
      );
    }

    /** @throws Problem `not-found`, also for a row of another account */
    async find({ principal, params }: Pick<Call, 'principal' | 'params'>): Promise<Row> {
      const row: Row | null = await this.em.findOne(entity, { id: params.id, accountId: principal.accountId });
      if (!row) throw new Problem('not-found');
      return row;
    }

    /** @throws Problem `unknown-user` or `inactive-user` for the users it refers to */
    async insert({ principal }: Pick<Call, 'principal'>, values: Partial<Row>): Promise<Row> {
      const { properties } = metadataOf(this.em, entity);
      const row = {
        ...(mine && { [mine]: principal.userId }),
        ...('createdAt' in properties && { createdAt: this.clock.now() }),
        ...values,
        id: this.ids.next(),
        accountId: principal.accountId,
      };
      await this.directory.requireActive(
        principal.accountId,
        people.map((name) => personIn(row, name)),
      );
      const created: Row = this.em.create(entity, row);
      await this.em.flush();
      return created;
    }

    /** Converts rows to API objects. Users are read from the directory once for all rows. */
    async present(rows: readonly Row[], _call: Pick<Call, 'principal'>): Promise<object[]> {
      const views = await this.directory.views(rows.flatMap((row) => people.map((name) => personIn(row, name))));
      return rows.map((row) => view(row, views));
    }
  }
  return PlainResource;
}

/** Fields of a user property: `ownerId` is accompanied by `owner`; `assignee` becomes the view itself. */
export function personFields(
  name: string,
  userId: string | null | undefined,
  views: ReadonlyMap<string, UserView>,
): Record<string, unknown> {
  const view = userId ? (views.get(userId) ?? null) : null;
  return name.endsWith('Id') ? { [name]: userId ?? null, [name.slice(0, -2)]: view } : { [name]: view };
}
