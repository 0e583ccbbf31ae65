import { Icon } from '../../../components/icon';
import { number } from '../../../texts/numbers';
import { leave as texts } from '../../../texts/leave';
import { STEPS, type Step } from '../search';

export function Stepper({ step }: { step: Step }) {
  const current = STEPS.indexOf(step);
  return (
    <nav className="stepper" aria-label={texts.steps.label}>
      <ol>
        {STEPS.map((one, index) => (
          <li
            key={one}
            className={index < current ? 'done' : undefined}
            aria-current={one === step ? 'step' : undefined}
          >
            <span className="no">
              {index < current ? (
                <>
                  <span className="sr">{texts.steps.done}</span>
                  <Icon name="check" className="sm" />
                </>
              ) : (
                number(index + 1)
              )}
            </span>
            <span className="t">{texts.steps[one]}</span>
          </li>
        ))}
      </ol>
    </nav>
  );
}
