import { Id, Moment, OneOf } from '../fields.js';
import { operation } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { ContactsTelling, DepartureWishes, Restoration, TellContacts, type RestoreWish } from './departure-requests.js';
import { PREVIEWED_TRANSITIONS, type PreviewedTransition } from './departure-previews.js';

/** How long the choices are kept after they have been saved. */
export const DRAFT_DAYS = 7;

/** What a manager means to request. Times are not checked before the request is made. */
export class DraftChoices extends DepartureWishes {
  @OneOf(PREVIEWED_TRANSITIONS) transition: PreviewedTransition;
  @Moment({ optional: true, about: 'For a deactivation: when to reactivate the user.' }) returnAt?: string;
  @Restoration({ about: 'For a reactivation, or with `returnAt` for the return: what it restores.' })
  restore?: RestoreWish;
  @ContactsTelling() tellContacts?: TellContacts;
}

export class DepartureDraft extends DraftChoices {
  @Id() userId: string;
  @Id({ about: 'The manager who saved it last.' }) savedBy: string;
  @Moment() savedAt: string;
  @Moment({ about: `${DRAFT_DAYS} days later. The draft is then deleted.` }) expiresAt: string;
}

const ofUser = { service: 'identity', access: MANAGERS, path: '/v1/users/:id/departure-draft' } as const;

export const departureDraftPut = operation<DepartureDraft, DraftChoices>({
  ...ofUser,
  id: 'users.departure-draft.put',
  method: 'PUT',
  summary: 'Keep the choices for a decision about a user for 7 days, or until any decision about the user',
  body: DraftChoices,
  answer: DepartureDraft,
  errors: ['forbidden', 'not-found', 'conflict', 'invalid-successor', 'unknown-rule', 'invalid-action'],
});

export const departureDraftGet = operation<DepartureDraft>({
  ...ofUser,
  id: 'users.departure-draft.get',
  method: 'GET',
  summary: 'Read the choices that have been kept',
  answer: DepartureDraft,
  errors: ['forbidden', 'not-found'],
});

export const departureDraftDelete = operation({
  ...ofUser,
  id: 'users.departure-draft.remove',
  method: 'DELETE',
  summary: 'Discard the choices that have been kept',
  errors: ['forbidden', 'not-found'],
});
