import { Injectable } from '@nestjs/common';
import { Forgetting, type Db, type DeletedPerson } from '#libs/lifecycle';
import { replaceIdentifiers, replaceStaffIds } from '../contact-import/former-identifiers.js';
import { forgetMoves } from '../contact-move/departure-moves.js';

/** What this service stores about users without a rule, to be erased with them. */
@Injectable()
export class ContactsForgetting extends Forgetting {
  override readonly needsAddresses = true;

  override async forget(db: Db, deleted: readonly DeletedPerson[]): Promise<void> {
    await replaceStaffIds(db, deleted);
    await replaceIdentifiers(db, deleted);
    await forgetMoves(db, deleted);
  }
}
