import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { MailModule } from '../mail/mail.module.js';
import { SessionModule } from '../session/session.module.js';
import { SigningKeyModule } from '../signing-key/signing-key.module.js';
import { UserModule } from '../user/user.module.js';
import { CodeGuesses } from './code-guesses.js';
import { MethodChanges } from './method-changes.js';
import { OwnSignInMethods } from './own-sign-in-methods.js';
import { PasskeyChallenges } from './passkey/passkey-challenges.js';
import { PasskeySignIns } from './passkey/passkey-sign-ins.js';
import { Passkeys } from './passkey/passkeys.js';
import { RecoveryCodes } from './recovery-codes.js';
import { RelyingParty } from './passkey/relying-party.js';
import { SecondFactors } from './second-factors.js';
import { SignInChallenges } from './sign-in-challenges.js';
import { SignInMethodResets } from './sign-in-method-resets.js';
import { SignInMethodController } from './sign-in-method.controller.js';
import { StrongerProofs } from './stronger-proofs.js';
import { Totps } from './totps.js';

/** Passkeys, authenticator apps and recovery codes. */
@Module({
  imports: [AuditModule, MailModule, SessionModule, SigningKeyModule, UserModule],
  controllers: [SignInMethodController],
  providers: [
    CodeGuesses,
    MethodChanges,
    OwnSignInMethods,
    PasskeyChallenges,
    PasskeySignIns,
    Passkeys,
    RecoveryCodes,
    RelyingParty,
    SecondFactors,
    SignInChallenges,
    SignInMethodResets,
    StrongerProofs,
    Totps,
  ],
  exports: [PasskeySignIns, SecondFactors, SignInChallenges, SignInMethodResets, StrongerProofs],
})
export class SignInMethodModule {}
