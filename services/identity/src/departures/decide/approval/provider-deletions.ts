import { Injectable } from '@nestjs/common';
import { ApprovalStore } from '../../store/approvals/approval-store.js';
import { ApprovalRequests } from './approval-requests.js';

/** Deletions that an identity provider has requested and that wait for a manager. */
@Injectable()
export class ProviderDeletions {
  constructor(
    private readonly store: ApprovalStore,
    private readonly requests: ApprovalRequests,
  ) {}

  /** Whether a deletion of the user waits, of any requester. */
  async isWaiting(userId: string): Promise<boolean> {
    const waiting = await this.store.ofUsers([userId]);
    return waiting.some(({ transition }) => transition === 'deleted');
  }

  /** Binds the deletion to the user, who has been suspended because of it. */
  rebind(accountId: string, departure: { id: string; userId: string }): Promise<void> {
    return this.requests.rebind(accountId, departure);
  }
}
