import { Module } from '@nestjs/common';
import { ApiTokenModule } from '../api-token/api-token.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { PasswordModule } from '../password/password.module.js';
import { SessionModule } from '../session/session.module.js';
import { SignInMethodModule } from '../sign-in-method/sign-in-method.module.js';
import { UserModule } from '../user/user.module.js';
import { AuthController } from './auth.controller.js';
import { BrowserSessionController } from './browser-session.controller.js';
import { LoginService } from './login.service.js';
import { MeController } from './me.controller.js';
import { PasskeyLogin } from './passkey-login.js';
import { SecondStep } from './second-step.js';
import { SessionOpenings } from './session-openings.js';
import { StepUp } from './step-up.js';

/** Signing in and out, and the caller's own user, sessions and API tokens. */
@Module({
  imports: [ApiTokenModule, AuditModule, PasswordModule, SessionModule, SignInMethodModule, UserModule],
  controllers: [AuthController, BrowserSessionController, MeController],
  providers: [LoginService, PasskeyLogin, SecondStep, SessionOpenings, StepUp],
})
export class SignInModule {}
