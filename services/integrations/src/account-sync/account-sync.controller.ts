import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import {
  accountSyncs,
  isManager,
  Problem,
  type AccountSyncChanges,
  type Call,
  type NewAccountSync,
} from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { plainResource, Encryption } from '#libs/platform';
import { AccountSync, type AccountSyncRow } from './account-sync.entity.js';

const base = plainResource(accountSyncs, {
  entity: AccountSync,
  shown: ['kind', 'provider', 'status', 'createdAt', 'stoppedAt'],
  people: ['ownerId'],
  mine: 'ownerId',
});

@Controller()
export class AccountSyncController extends base {
  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly encryption: Encryption,
  ) {
    super(em, directory, ids, clock);
  }

  override async prepare({ body, principal }: Call): Promise<Partial<AccountSyncRow>> {
    const { status = 'active', grant, ...values } = body as NewAccountSync;
    return { ...values, ...this.stateOf({ status, grant }, principal.accountId) };
  }

  /** A sync that a departure stopped can be started again only after its owner has returned. */
  override async prepareChange(sync: AccountSyncRow, { body, principal }: Call<AccountSyncChanges>): Promise<void> {
    const mine = sync.ownerId === principal.userId;
    if (!mine && (body.status === 'active' || !isManager(principal))) {
      throw new Problem('forbidden', {
        detail: 'Only its owner may start this sync; its owner and managers may stop it.',
      });
    }
    if (body.status === 'active') await this.directory.requireActive(sync.accountId, [sync.ownerId]);
  }

  override async change(sync: AccountSyncRow, { body }: Call<AccountSyncChanges>): Promise<void> {
    const state = this.stateOf(body, sync.accountId);
    // Without a new grant, an active sync keeps the one it has.
    if (body.status === 'active' && body.grant === undefined) state.sealedGrant = sync.sealedGrant ?? null;
    this.em.assign(sync, { ...state, ...(body.status === 'active' && { grantedAt: this.clock.now() }) });
  }

  private stateOf({ status, grant }: AccountSyncChanges, accountId: string) {
    if (status === 'active') {
      const sealedGrant = grant === undefined ? null : this.encryption.encrypt(grant, accountId);
      return { status, sealedGrant, stoppedAt: null };
    }
    if (grant === undefined) return { status, sealedGrant: null, stoppedAt: this.clock.now() };
    const message = 'grant must not be given to a sync that is stopped';
    throw new Problem('validation', { errors: [{ field: 'grant', message }] });
  }
}
