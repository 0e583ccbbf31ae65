import { Flag } from '../fields.js';
import { operation } from '../operation.js';
import type { DepartureMailKind } from './mail.js';

/**
 * Which mails the user gets. Mails about invitations, passwords, addresses and ways to sign in are always sent, and cannot be
 * named here.
 */
export class NotificationPreferences {
  @Flag({ about: 'A departure was scheduled. To its requester and to managers.' }) departureScheduled: boolean;
  @Flag({ about: 'A departure waits for approval. To managers other than the requester.' }) approvalWanted: boolean;
  @Flag({ about: 'A departure is complete. To its requester and to managers.' }) departureCompleted: boolean;
  @Flag({ about: 'A departure has failed. To its requester and to managers.' }) departureFailed: boolean;
  @Flag({ about: 'You have received records of a leaver.' }) handover: boolean;
  @Flag({ about: 'A user returns in three days. To the requester and to managers.' }) returnReminder: boolean;
  @Flag({ about: 'The policy deletes a user soon. To managers.' }) erasureReminder: boolean;
}

export class NotificationChoices implements Partial<NotificationPreferences> {
  @Flag({ optional: true }) departureScheduled?: boolean;
  @Flag({ optional: true }) approvalWanted?: boolean;
  @Flag({ optional: true }) departureCompleted?: boolean;
  @Flag({ optional: true }) departureFailed?: boolean;
  @Flag({ optional: true }) handover?: boolean;
  @Flag({ optional: true }) returnReminder?: boolean;
  @Flag({ optional: true }) erasureReminder?: boolean;
}

/** The kind of mail that each field is about. */
export const KIND_OF_PREFERENCE: Readonly<Record<keyof NotificationPreferences, DepartureMailKind>> = {
  departureScheduled: 'departure-scheduled',
  approvalWanted: 'approval-wanted',
  departureCompleted: 'departure-completed',
  departureFailed: 'departure-failed',
  handover: 'handover',
  returnReminder: 'return-reminder',
  erasureReminder: 'erasure-reminder',
};

const mine = { service: 'identity', access: 'signed-in', path: '/v1/me/notification-preferences' } as const;

export const notificationPreferencesGet = operation<NotificationPreferences>({
  ...mine,
  id: 'me.notification-preferences.get',
  method: 'GET',
  summary: 'Read which mails I get',
  answer: NotificationPreferences,
});

export const notificationPreferencesSet = operation<NotificationPreferences, NotificationChoices>({
  ...mine,
  id: 'me.notification-preferences.set',
  method: 'PUT',
  summary: 'Choose which mails I get; mails that are not named are sent',
  body: NotificationChoices,
  answer: NotificationPreferences,
});
