import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  notificationPreferencesGet,
  notificationPreferencesSet,
  type CallOf,
  type NotificationPreferences as Preferences,
} from '#libs/contracts';
import { NotificationPreferences } from './notification-preferences.js';

@Controller()
export class NotificationPreferencesController {
  constructor(private readonly preferences: NotificationPreferences) {}

  @Handles(notificationPreferencesGet)
  get({ principal }: CallOf<typeof notificationPreferencesGet>): Promise<Preferences> {
    return this.preferences.get(principal);
  }

  @Handles(notificationPreferencesSet)
  set({ principal, body }: CallOf<typeof notificationPreferencesSet>): Promise<Preferences> {
    return this.preferences.set(principal, body);
  }
}
