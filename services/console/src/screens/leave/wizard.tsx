import { useEffect, useRef, useState } from 'react';
import type { User } from '../../api/session';
import { Done } from './done';
import type { Choices } from './plan/choices';
import { leaveRoute, type Step } from './search';
import { StepChoose } from './step-choose';
import { StepConfirm } from './step-confirm';
import { StepWhat } from './step-what';
import { Stepper } from './parts/stepper';
import { useKeptChoices } from './use-kept-choices';
import type { Schemas } from '../../api/client';

interface WizardProps {
  user: User;
  kept: Choices;
}

/** Holds the choices; they are kept on the server as well, so that nothing is lost when the page is closed. */
export function Wizard({ user, kept }: WizardProps) {
  const { step = 'what' } = leaveRoute.useSearch();
  const navigate = leaveRoute.useNavigate();
  const [choices, setChoices] = useState(kept);
  const [departure, setDeparture] = useState<Schemas['Departure']>();
  const isKept = useKeptChoices(user.id, choices, departure !== undefined);
  const top = useStepFocus(step);
  const goTo = (next: Step) => void navigate({ search: { step: next === 'what' ? undefined : next } });
  if (departure) return <Done user={user} departure={departure} />;
  const common = { user, choices, onChoose: setChoices, goTo, isKept };
  return (
    <div ref={top} tabIndex={-1} className="step">
      <Stepper step={step} />
      {step === 'what' && <StepWhat {...common} />}
      {step === 'choose' && <StepChoose {...common} />}
      {step === 'confirm' && <StepConfirm {...common} onDone={setDeparture} />}
    </div>
  );
}

/** The focus goes to the beginning of a new step. */
function useStepFocus(step: Step) {
  const top = useRef<HTMLDivElement>(null);
  const before = useRef(step);
  useEffect(() => {
    if (before.current === step) return;
    before.current = step;
    window.scrollTo(0, 0);
    top.current?.focus({ preventScroll: true });
  }, [step]);
  return top;
}
