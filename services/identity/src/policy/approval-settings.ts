import { Injectable } from '@nestjs/common';
import { Problem, type Approvals, type Principal } from '#libs/contracts';
import { isDeepStrictEqual } from 'node:util';
import { Proofs } from '../session/proofs.js';
import { Actors } from '../user/actors.js';
import { Approvers } from './approvers.js';

const NOTHING: Approvals = { deleted: false, destructive: false, bulkAbove: null, scim: 'proceed', days: 7 };

/** @param stored what the account has chosen; the rest has its default */
export const approvalsOf = (stored: Partial<Approvals>): Approvals => ({ ...NOTHING, ...stored });

/** Who may change what needs approval. */
@Injectable()
export class ApprovalSettings {
  constructor(
    private readonly actors: Actors,
    private readonly proofs: Proofs,
    private readonly approvers: Approvers,
  ) {}

  /**
   * An owner can always switch approvals off, so that an account whose other managers have left is not stuck.
   * @throws Problem `forbidden` unless the caller is an owner; `step-up-required`; `no-approver` if the caller switches something
   *   on and is the only manager
   */
  async check(principal: Principal, before: Approvals, after: Approvals): Promise<void> {
    if (isDeepStrictEqual(before, after)) return;
    await this.actors.requireOwner(principal);
    await this.proofs.require(principal);
    if (!switchesOn(before, after)) return;
    const { accountId, userId } = principal;
    if (await this.approvers.exist(accountId, { without: [userId] })) return;
    throw new Problem('no-approver', {
      detail: 'Approvals need another active owner or admin. Invite one first.',
    });
  }
}

const switchesOn = (before: Approvals, after: Approvals): boolean =>
  (after.deleted && !before.deleted) ||
  (after.destructive && !before.destructive) ||
  (after.bulkAbove !== null && (before.bulkAbove === null || after.bulkAbove < before.bulkAbove)) ||
  (after.scim === 'wait' && before.scim !== 'wait');
