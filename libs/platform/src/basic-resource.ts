import { Handles } from '#libs/broker';
import {
  isManager,
  mayAll,
  Problem,
  whoMay,
  type Call,
  type ListQuery,
  type NoBody,
  type NoQuery,
  type Operation,
  type Page,
  type Principal,
  type UserView,
} from '#libs/contracts';
import {
  Clock,
  Directory,
  Ids,
  metadataOf,
  pageWindow,
  requireReference,
  toPage,
  type AnyEntity,
} from '#libs/database';
import { EntityManager, type ObjectQuery } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { detailFor, personFields, withDates } from './resource-values.js';
import { rightsOf, type Spec, type TenantRow } from './resource-spec.js';
import { allOf, notAllowed, rowsFor, type Relations } from './row-rights.js';

export interface Operations<T, C extends object, Q extends ListQuery> {
  create: Operation<C, NoQuery, T>;
  list: Operation<NoBody, Q, Page<T>>;
  get: Operation<NoBody, NoQuery, T>;
  remove: Operation<NoBody, NoQuery, undefined>;
}

/** The calls of every plain resource: create, list, get and remove. */
export function basicResource<Row extends TenantRow, T, C extends object, Q extends ListQuery>(
  operations: Operations<T, C, Q>,
  spec: Spec<Row>,
) {
  const { entity, shown, people = [], mine, owner = mine, refers = {}, rights = rightsOf(operations.get) } = spec;
  const ofOwner = owner && (({ userId }: Principal) => ({ [owner]: userId }));
  const relations: Relations = { own: spec.own ?? ofOwner, team: spec.team };
  const references = Object.entries(refers) as [keyof Row & string, AnyEntity][];
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
  class BasicResource {
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
      const values = await this.prepare(call, prepared);
      this.requireMayCreate(values, call);
      const row = await this.insert(call, values);
      return (await this.present([row], call))[0]!;
    }

    @Handles(any.list)
    async list(call: Call<NoBody, ListQuery>): Promise<Page<object>> {
      const { limit, before } = pageWindow(call.query);
      const { accountId } = call.principal;
      const after = before ? { id: { $lt: before } } : {};
      const where = allOf<Row>({ accountId }, after, this.filter(call), this.rowsFor('list', call));
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
      await this.requireMay('remove', row, call);
      await this.discard(row, call);
    }

    /** The condition for the rows with which the caller may do this, besides the account. */
    rowsFor(verb: string, { principal }: Pick<Call, 'principal'>): object {
      return rowsFor(whoMay(rights, verb), principal, relations, this.clock.now());
    }

    /**
     * Requires that the caller may do this with a row that `find` has found.
     * @throws Problem `forbidden`
     */
    async requireMay(verb: string, { id }: Row, call: Pick<Call, 'principal'>): Promise<void> {
      if (mayAll(whoMay(rights, verb), call.principal)) return;
      const where = allOf<Row>({ id }, this.rowsFor(verb, call));
      if ((await this.em.count(entity, where)) === 0) throw notAllowed(whoMay(rights, verb));
    }

    /** @throws Problem `forbidden` for a row of another user, which only managers may create unless `createFor` says otherwise */
    requireMayCreate(values: Partial<Row>, { principal }: Pick<Call, 'principal'>): void {
      const named = owner && personIn(values, owner);
      if (!named || named === principal.userId || rights.createFor === 'everyone' || isManager(principal)) return;
      throw new Problem('forbidden', { detail: 'Only owners and admins may do this in the name of another user.' });
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

    /** @throws Problem `not-found`, also for a row of another account or one that the caller may not see */
    async find(call: Pick<Call, 'principal' | 'params'>): Promise<Row> {
      const where = allOf<Row>({ id: call.params.id, accountId: call.principal.accountId }, this.rowsFor('get', call));
      const row: Row | null = await this.em.findOne(entity, where);
      if (!row) throw new Problem('not-found');
      return row;
    }

    /** @throws Problem `unknown-user`, `inactive-user` or `unknown-reference` for what it refers to */
    async insert({ principal }: Pick<Call, 'principal'>, values: Partial<Row>): Promise<Row> {
      const { properties } = metadataOf(this.em, entity);
      const row = {
        ...(mine && { [mine]: principal.userId }),
        ...('createdAt' in properties && { createdAt: this.clock.now() }),
        ...withDates(values, properties),
        id: this.ids.next(),
        accountId: principal.accountId,
      };
      await this.requireNamed(principal.accountId, row);
      const created: Row = this.em.create(entity, row);
      await this.em.flush();
      return created;
    }

    /**
     * Locks the users and rows that these values refer to. Users come first, because a departure locks in this order, too.
     * @throws Problem `unknown-user`, `inactive-user` or `unknown-reference`
     */
    async requireNamed(accountId: string, values: Partial<Row>): Promise<void> {
      await this.directory.requireActive(
        accountId,
        people.map((name) => personIn(values, name)),
      );
      for (const [name, to] of references) {
        const id = values[name] as string | null | undefined;
        if (id) await requireReference(this.em, { entity: to, accountId, id, detail: detailFor(name) });
      }
    }

    /** Converts rows to API objects. Users are read from the directory once for all rows. */
    async present(rows: readonly Row[], _call: Pick<Call, 'principal'>): Promise<object[]> {
      const views = await this.directory.views(rows.flatMap((row) => people.map((name) => personIn(row, name))));
      return rows.map((row) => view(row, views));
    }
  }
  return BasicResource;
}
