import { Flag, Moment, Nested, Phone, Shape, Text } from '../fields.js';
import { MESSAGE_LENGTH } from '../messaging/scheduled-messages.js';
import { ACTION_SCHEMA, type ActionInput } from './policy.js';
import { Successors, type NamedSuccessors } from './successors.js';

const MOST_RULES = 500;
/** Characters. The token of a preview of choices names every rule. */
export const PLAN_TOKEN_MAX = 20_000;

export const DepartureOverrides = ({ about }: { about: string }) =>
  Shape({ type: 'object', additionalProperties: ACTION_SCHEMA }, 'an object: rule id → action', {
    optional: true,
    shallow: true,
    about,
  });

/** Characters of a text that leave room for an alternative number. */
export const TELLING_LENGTH = MESSAGE_LENGTH - 20;

/** A text to the contacts who have exchanged messages with the leaver lately. */
export class TellContacts {
  @Text({
    max: TELLING_LENGTH,
    about: 'Sent from the personal inbox of the leaver, once to each of `contactsToTell` who has a phone number.',
  })
  text: string;

  @Phone({
    optional: true,
    about:
      'Where to write or call instead: an assigned number of the account that is not the leaver’s. Sent after the text.',
  })
  alternativeNumber?: string;
}

export const ContactsTelling = () =>
  Nested(() => TellContacts, {
    optional: true,
    about:
      'Tells the contacts that the user leaves, when the departure begins. A reactivation or another decision about the user ' +
      'calls off what is not sent yet.',
  });

/** How a departure deviates from the account's policy. */
export class DepartureWishes {
  @Successors() successors?: NamedSuccessors;

  @DepartureOverrides({ about: 'By rule id: another action, for this departure only.' })
  overrides?: Record<string, ActionInput>;

  @Text({ optional: true, max: 1000 }) reason?: string;

  @Moment({
    optional: true,
    about:
      'A time in the future until which the user stays active. Guards and the account’s policy are evaluated then; ' +
      'successors and overrides are those of this request.',
  })
  effectiveAt?: string;
}

/** What a reactivation restores. */
export type RestoreWish = 'none' | 'all' | string[];

export const Restoration = ({ about }: { about: string }) =>
  Shape(
    {
      anyOf: [
        { type: 'string', enum: ['none', 'all'] },
        { type: 'array', items: { type: 'string', maxLength: 200 }, maxItems: MOST_RULES },
      ],
    },
    '`none`, `all` or a list of rule ids',
    { optional: true, about },
  );

export class DepartureRequest extends DepartureWishes {
  @Moment({ optional: true, about: 'For a deactivation: when to reactivate the user.' })
  returnAt?: string;

  @ContactsTelling() tellContacts?: TellContacts;

  @Restoration({ about: 'With `returnAt`: what the return restores, as in a reactivation. Default: nothing.' })
  restore?: RestoreWish;

  @Text({
    optional: true,
    max: PLAN_TOKEN_MAX,
    about: 'From the preview. The request is refused if what was previewed has changed since.',
  })
  planToken?: string;

  @Flag({ optional: true, about: 'Go on although the preview of `planToken` lists services in `uncounted`.' })
  acceptUncounted?: boolean;
}

export class Reactivation {
  @Restoration({
    about:
      'What to restore: nothing (the default), everything, or what these rules did. Rows that the departure has ' +
      'disabled, held, unassigned or transferred can be restored unless they have been changed since. The receipt ' +
      'counts rows that are not restored.',
  })
  restore?: RestoreWish;

  @Text({
    optional: true,
    max: PLAN_TOKEN_MAX,
    about: 'From the preview. The request is refused if it restores something else, or if the user has changed since.',
  })
  planToken?: string;
}

/** Changes of a scheduled departure. A field that is left out stays as it is. */
export class DepartureChange {
  @Text({ optional: true, nullable: true, max: 1000, about: 'Null removes it.' }) reason?: string | null;
  @Moment({ optional: true, about: 'Another time in the future. For a return: when the user is reactivated.' })
  effectiveAt?: string;
  @Moment({
    optional: true,
    nullable: true,
    about: 'For a deactivation: when to reactivate the user. With null the user does not return.',
  })
  returnAt?: string | null;
}
