import { TestService } from '#libs/platform/testing';
import { NotificationsConfig } from '../notifications.config.js';
import { migrations, NotificationsModule } from '../notifications.module.js';

export const SECRET = 'a-secret-for-tests-that-is-long-enough';

/** Starts the service; tests call it as other services do. */
export const startNotifications = (smtpUrl: string, env: Record<string, string> = {}) =>
  TestService.start({
    name: 'notifications',
    module: NotificationsModule,
    migrations,
    config: NotificationsConfig,
    env: {
      NOTIFICATIONS_SECRET: SECRET,
      SMTP_URL: smtpUrl,
      SMTP_TLS: 'optional',
      MAIL_FROM: 'Leaver <no-reply@leaver.example>',
      PUBLIC_URL: 'https://leaver.example.com',
      ...env,
    },
  });
