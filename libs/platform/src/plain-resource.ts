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
import { EntityManager, type FilterQuery, type InferEntity } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';

interface Operations<T, C extends object, Q extends ListQuery> {
  create: Operation<C, NoQuery, T>;
  list: Operation<NoBody, Q, Page<T>>;
  get: Operation<NoBody, NoQuery, T>;
  remove: Operation<NoBody, NoQuery, undefined>;
}

interface Spec<E extends AnyEntity> {
  entity: E;
  /** Properties that go into the answer as they are. */
  shown: readonly (keyof InferEntity<E> & string)[];
  /**
   * Properties that name a person. Whoever is named on the way in must not have left; on the way out `ownerId` is joined
   * by `owner` with name and status, and a property without `Id`, like `assignee`, becomes that view.
   */
  people?: readonly (keyof InferEntity<E> & string)[];
  /** The person property that is the caller unless somebody else is named. */
  mine?: keyof InferEntity<E> & string;
  /** Only the person in `mine` and managers may remove it. */
  own?: boolean;
}

export interface TenantRow {
  id: string;
  accountId: string;
}

type Row = TenantRow & Record<string, unknown>;

/**
 * A controller with the four calls of a plain resource: tenant-scoped, checked against people who have left, newest
 * first. A subclass adds what its resource does beyond that, by overriding `prepare`, `filter`, `present` or `discard`, or
 * with handlers of its own. The four handlers themselves cannot be overridden: their subjects hang on the methods here.
 */
export function plainResource<E extends AnyEntity, T, C extends object, Q extends ListQuery>(
  operations: Operations<T, C, Q>,
  spec: Spec<E>,
) {
  const { entity, shown, people = [], mine, own = false } = spec;
  // The decorators compare the methods' types with the operations'; here both stand for any resource.
  const any = operations as unknown as Operations<object, object, ListQuery>;

  const view = (row: Row, views: ReadonlyMap<string, UserView>): Record<string, unknown> => {
    const answer: Record<string, unknown> = { id: row.id };
    for (const name of shown) answer[name] = row[name] instanceof Date ? row[name].toISOString() : (row[name] ?? null);
    for (const name of people) Object.assign(answer, personFields(name, row[name] as string | null, views));
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
      const rows = await this.em.find(entity, where as FilterQuery<object>, {
        orderBy: { id: 'desc' } as never,
        limit: limit + 1,
      });
      const page = toPage(rows as unknown as Row[], call.query);
      return { ...page, items: await this.present(page.items as InferEntity<E>[], call) };
    }

    @Handles(any.get)
    async get(call: Call): Promise<object> {
      return (await this.present([await this.find(call)], call))[0]!;
    }

    @Handles(any.remove)
    async remove(call: Call): Promise<void> {
      const row = await this.find(call);
      const mayRemove = !own || (row as unknown as Row)[mine!] === call.principal.userId || isManager(call.principal);
      if (!mayRemove) throw new Problem('forbidden', { detail: 'Only whose it is and managers may do this.' });
      await this.discard(row, call);
    }

    /**
     * The values of a new row. Runs in the transaction that inserts it.
     * @param _prepared what the resource's own `@Prepares(operations.create)` has returned
     */
    async prepare({ body }: Call, _prepared?: unknown): Promise<Record<string, unknown>> {
      return { ...(body as Record<string, unknown>) };
    }

    /** Removes a row, with whatever else has to go. */
    async discard(row: InferEntity<E>, _call: Pick<Call, 'principal'>): Promise<void> {
      this.em.remove(row);
    }

    /** Conditions on the listed rows: the query's fields, where `me` is the caller and `none` nobody. */
    filter({ query, principal }: Call<NoBody, ListQuery>): Record<string, unknown> {
      const { limit: _limit, cursor: _cursor, ...fields } = query as ListQuery & Record<string, unknown>;
      const value = (given: unknown) => (given === 'me' ? principal.userId : given === 'none' ? null : given);
      return Object.fromEntries(
        Object.entries(fields)
          .filter(([, given]) => given !== undefined)
          .map(([name, given]) => [name, value(given)]),
      );
    }

    /** @throws Problem `not-found`, also for another account's row */
    async find({ principal, params }: Pick<Call, 'principal' | 'params'>): Promise<InferEntity<E>> {
      const row = await this.em.findOne(entity, {
        id: params.id,
        accountId: principal.accountId,
      } as FilterQuery<object>);
      if (!row) throw new Problem('not-found');
      return row as InferEntity<E>;
    }

    /** @throws Problem `unknown-user` or `inactive-user` for the people it names */
    async insert({ principal }: Pick<Call, 'principal'>, values: Record<string, unknown>): Promise<InferEntity<E>> {
      const row: Row = {
        ...(mine && { [mine]: principal.userId }),
        ...values,
        id: this.ids.next(),
        accountId: principal.accountId,
      };
      if ('createdAt' in metadataOf(this.em, entity).properties) row.createdAt ??= this.clock.now();
      await this.directory.requireActive(
        principal.accountId,
        people.map((name) => row[name] as string | null | undefined),
      );
      const created = this.em.create(entity, row as never);
      await this.em.flush();
      return created as InferEntity<E>;
    }

    /** Rows as the API shows them; everybody named is read through the directory, once for all rows. */
    async present(rows: readonly InferEntity<E>[], _call: Pick<Call, 'principal'>): Promise<object[]> {
      const views = await this.directory.views(
        rows.flatMap((row) => people.map((name) => (row as unknown as Row)[name] as string | null)),
      );
      return rows.map((row) => view(row as unknown as Row, views));
    }
  }
  return PlainResource;
}

/** `ownerId` stays and is joined by `owner`; `assignee` is the view itself. */
export function personFields(
  name: string,
  userId: string | null | undefined,
  views: ReadonlyMap<string, UserView>,
): Record<string, unknown> {
  const view = userId ? (views.get(userId) ?? null) : null;
  return name.endsWith('Id') ? { [name]: userId ?? null, [name.slice(0, -2)]: view } : { [name]: view };
}
