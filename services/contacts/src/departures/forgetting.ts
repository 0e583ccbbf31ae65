import { Injectable } from '@nestjs/common';
import { Forgetting, type Db, type DeletedPerson } from '#libs/lifecycle';
import { replaceFormerStaffIds } from '../contact-import/former-staff-ids.js';
import { forgetMoves } from '../contact-move/departure-moves.js';

/** What this service stores about users without a rule, to be erased with them. */
@Injectable()
export class ContactsForgetting extends Forgetting {
  override async forget(db: Db, deleted: readonly DeletedPerson[]): Promise<void> {
    await replaceFormerStaffIds(db, deleted);
    await forgetMoves(db, deleted);
  }
}
