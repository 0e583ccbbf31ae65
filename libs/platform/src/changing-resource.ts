import { Handles, PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import {
  fieldTypes,
  isManager,
  Problem,
  type Call,
  type ListQuery,
  type NoQuery,
  type Operation,
} from '#libs/contracts';
import { metadataOf } from '#libs/database';
import { LockMode } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { basicResource, type Operations } from './basic-resource.js';
import type { Spec, TenantRow } from './resource-spec.js';

export interface Changing<T, U extends object> {
  update: Operation<U, NoQuery, T>;
}

/** A plain resource with PATCH. */
export function changingResource<Row extends TenantRow, T, C extends object, Q extends ListQuery, U extends object>(
  operations: Operations<T, C, Q> & Changing<T, U>,
  spec: Spec<Row>,
) {
  const { entity, mine, owner = mine, whileOwnerActive = [] } = spec;
  // As in `basicResource`: the decorator compares the method’s type with the operation’s.
  const update = operations.update as unknown as Operation<object, NoQuery, object>;
  const changeable = fieldTypes(update.body!);

  const ownerOf = (row: Partial<Row>) => (owner ? ((row[owner] as string | null | undefined) ?? null) : null);
  /** The user whom the change makes the owner; undefined if it does not name one. */
  const receiverIn = ({ body }: Call<U>) => (owner ? (body as Partial<Row>)[owner] : undefined);

  const ownerIn = (row: Row): Partial<Row> => (owner ? ({ [owner]: row[owner] } as Partial<Row>) : {});

  @Injectable()
  class ChangingResource extends basicResource(operations, spec) {
    @Handles(update)
    async update(call: Call): Promise<object | PrepareAgain> {
      const row = await this.find(call);
      await this.requireMay('update', row, call);
      this.requireMayHandOver(row, call as Call<U>);
      const ownerBefore = ownerOf(row);
      await this.prepareChange(row, call as Call<U>);
      const { id, accountId } = row;
      const lock = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true } as const;
      const locked: Row | null = await this.em.findOne(entity, { id, accountId }, lock);
      if (!locked) throw new Problem('not-found');
      // The caller’s rights, and the users that are locked, were those for the former owner’s row.
      if (ownerOf(locked) !== ownerBefore) return PREPARE_AGAIN;
      await this.change(locked, call as Call<U>);
      // A row that has been handed over was granted to its new owner now.
      if (ownerOf(locked) !== ownerBefore && 'grantedAt' in metadataOf(this.em, entity).properties)
        this.em.assign(locked, { grantedAt: this.clock.now() } as never);
      await this.em.flush();
      return (await this.present([locked], call))[0]!;
    }

    /** @throws Problem `forbidden` unless the row has no owner, or its owner or a manager hands it over */
    requireMayHandOver(row: Row, call: Call<U>): void {
      const [from, to] = [ownerOf(row), receiverIn(call)];
      if (to === undefined || to === from || from === null) return;
      if (from === call.principal.userId || isManager(call.principal)) return;
      throw new Problem('forbidden', { detail: 'Only its owner and managers may give it to another user.' });
    }

    /**
     * Checks a change, and locks the users and rows that it refers to. The row itself is locked afterwards, and may
     * change until then, except for its owner.
     */
    async prepareChange(row: Row, call: Call<U>): Promise<void> {
      const values = call.body as Partial<Row>;
      const needsOwner = whileOwnerActive.some((name) => values[name] !== undefined);
      await this.requireNamed(row.accountId, needsOwner ? { ...ownerIn(row), ...values } : values);
    }

    /** Changes the locked row. An override may change other rows, too. By default the fields of the contract are assigned. */
    async change(row: Row, { body }: Call<U>): Promise<void> {
      const given = Object.entries(body).filter(([name, value]) => changeable.has(name) && value !== undefined);
      this.em.assign(row, Object.fromEntries(given) as never);
    }
  }
  return ChangingResource;
}
