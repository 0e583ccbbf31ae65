import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  departureDraftDelete,
  departureDraftGet,
  departureDraftPut,
  type CallOf,
  type DepartureDraft,
} from '#libs/contracts';
import { DraftCommands } from './draft-commands.js';

/** Calls about the choices that managers keep until they decide. */
@Controller()
export class DraftController {
  constructor(private readonly drafts: DraftCommands) {}

  @Handles(departureDraftPut)
  put({ principal, params, body }: CallOf<typeof departureDraftPut>): Promise<DepartureDraft> {
    return this.drafts.save(principal, params.id!, body);
  }

  @Handles(departureDraftGet)
  get({ principal, params }: CallOf<typeof departureDraftGet>): Promise<DepartureDraft> {
    return this.drafts.get(principal, params.id!);
  }

  @Handles(departureDraftDelete)
  delete({ principal, params }: CallOf<typeof departureDraftDelete>): Promise<void> {
    return this.drafts.discard(principal, params.id!);
  }
}
