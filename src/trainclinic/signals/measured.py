"""A record with its signals, each computed once, when first asked for. This is what every finding looks at."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.record.run import RunRecord
    from trainclinic.record.series import Series
    from trainclinic.signals.arithmetic import Arithmetic
    from trainclinic.signals.broken_rows import BrokenRows
    from trainclinic.signals.checkpoint_quality import CheckpointQuality
    from trainclinic.signals.comparisons import Arm, Pair
    from trainclinic.signals.decay_phase import DecayPhase
    from trainclinic.signals.first_value import FirstValue
    from trainclinic.signals.forecast import Forecast
    from trainclinic.signals.generalisation import Generalisation
    from trainclinic.signals.generated_text import GeneratedTexts
    from trainclinic.signals.gradients import Gradients
    from trainclinic.signals.initial_loss import InitialLoss
    from trainclinic.signals.loss_baselines import Baselines
    from trainclinic.signals.loss_levels import LossLevels
    from trainclinic.signals.nan_filter import NanFilter
    from trainclinic.signals.objective import Objective
    from trainclinic.signals.onset import Onset
    from trainclinic.signals.periodicity import Periodicity
    from trainclinic.signals.position import Position
    from trainclinic.signals.repeated_rise import RepeatedRise
    from trainclinic.signals.resume import ResumeHistory
    from trainclinic.signals.resume_rate import RateAtResume
    from trainclinic.signals.schedule import ScheduleFit
    from trainclinic.signals.schedule_plan import PlanCheck
    from trainclinic.signals.spikes import Excursion, Spikes
    from trainclinic.signals.staircase import Staircase
    from trainclinic.signals.throughput import Throughput
    from trainclinic.signals.trend import Trend
    from trainclinic.signals.twin_losses import Twins
    from trainclinic.signals.zero_rows import ZeroRows


class Measured:
    """One run and everything that was measured on it.

    Args:
        record: The run.
        unigram_entropy: Entropy of the training targets as single tokens, nats/token, when the data was examined.
        companions: Other runs of the same folder, which the run can be compared with.
    """

    def __init__(
        self, record: RunRecord, *, unigram_entropy: float | None = None, companions: tuple[RunRecord, ...] = ()
    ) -> None:
        self.record = record
        self.companions = companions
        self.unigram_entropy = unigram_entropy

    @cached_property
    def train_loss(self) -> Series | None:
        """The training-loss history that the run ended with (after overlaps, the later pass), NaN kept."""
        series = self.record.get("train/loss")
        return series.final() if series is not None else None

    @cached_property
    def eval_loss(self) -> Series | None:
        """The evaluation-loss history that the run ended with, NaN kept."""
        series = self.record.get("eval/loss")
        return series.final() if series is not None else None

    @cached_property
    def objective(self) -> Objective:
        """What the loss column is a loss of."""
        from trainclinic.signals.objective import objective_of

        return objective_of(self)

    @cached_property
    def loss_rows(self) -> Series | None:
        """`train_loss` without rows that are no losses: non-finite, or written by a logging filter."""
        from trainclinic.signals.loss_rows import loss_rows_of

        return loss_rows_of(self)

    @cached_property
    def eval_rows(self) -> Series | None:
        """`eval_loss` without rows that are no losses."""
        from trainclinic.signals.loss_rows import eval_rows_of

        return eval_rows_of(self)

    @cached_property
    def baselines(self) -> Baselines | None:
        """Uniform, unigram and reference levels of a token loss; `None` for other objectives."""
        from trainclinic.signals.loss_baselines import baselines_of

        return baselines_of(self)

    @cached_property
    def initial_loss(self) -> InitialLoss | None:
        """The first loss and where it lies; `None` for a resumed or empty log."""
        from trainclinic.signals.initial_loss import initial_loss_of

        return initial_loss_of(self)

    @cached_property
    def spikes(self) -> Spikes | None:
        """Excursions of the losses above their band; `None` with fewer than five rows."""
        from trainclinic.signals.spikes import spikes_of

        return spikes_of(self)

    @cached_property
    def gradient_outliers(self) -> tuple[Excursion, ...] | None:
        """Excursions of the gradient norm, as ratios; `None` with fewer than 20 norms."""
        from trainclinic.signals.spikes import gradient_outliers_of

        return gradient_outliers_of(self)

    @cached_property
    def nan_filter(self) -> NanFilter | None:
        """Rows that the Trainer's filter of non-finite losses distorted, with the true loss; no row when none."""
        from trainclinic.signals.nan_filter import nan_filter_of

        return nan_filter_of(self)

    @cached_property
    def gradients(self) -> Gradients | None:
        """Patterns of the gradient norm; `None` when it was not logged."""
        from trainclinic.signals.gradients import gradients_of

        return gradients_of(self)

    @cached_property
    def zero_rows(self) -> ZeroRows | None:
        """Exact zeros of the training loss with their readings; `None` when no loss was logged."""
        from trainclinic.signals.zero_rows import zero_rows_of

        return zero_rows_of(self)

    @cached_property
    def position(self) -> Position | None:
        """Where in the data a step lies: tokens, epochs, passes."""
        from trainclinic.signals.position import position_of

        return position_of(self)

    @cached_property
    def schedule(self) -> ScheduleFit | None:
        """The learning-rate schedules that fit the logged learning rates."""
        from trainclinic.signals.schedule import schedule_of

        return schedule_of(self)

    @cached_property
    def generalisation(self) -> Generalisation | None:
        """Evaluation loss beside training loss; `None` without evaluations, or where the loss level means nothing."""
        from trainclinic.signals.generalisation import generalisation_of

        return generalisation_of(self)

    @cached_property
    def onset(self) -> Onset | None:
        """The first non-finite training value, in steps and updates; `None` when all are finite."""
        from trainclinic.signals.onset import onset_of

        return onset_of(self)

    @cached_property
    def broken_rows(self) -> BrokenRows | None:
        """The rows in which training was broken; `None` when there is none."""
        from trainclinic.signals.broken_rows import broken_rows_of

        return broken_rows_of(self)

    @cached_property
    def first_value(self) -> FirstValue | None:
        """The first value of the run; `None` when the log begins in the middle."""
        from trainclinic.signals.first_value import first_value_of

        return first_value_of(self)

    @cached_property
    def decay_phase(self) -> DecayPhase | None:
        """The loss before and in the decay of a constant learning rate; `None` without both phases."""
        from trainclinic.signals.decay_phase import decay_phase_of

        return decay_phase_of(self)

    @cached_property
    def loss_levels(self) -> LossLevels | None:
        """The two levels that split the training losses best; `None` with fewer than 24 rows."""
        from trainclinic.signals.loss_levels import loss_levels_of

        return loss_levels_of(self)

    @cached_property
    def trend(self) -> Trend | None:
        """Levels, end and plateau of the training loss (of the evaluation loss when only that has rows)."""
        from trainclinic.signals.trend import trend_of

        return trend_of(self)

    @cached_property
    def staircase(self) -> Staircase | None:
        """The loss at the epoch boundaries; `None` without two epochs."""
        from trainclinic.signals.staircase import staircase_of

        return staircase_of(self)

    @cached_property
    def periodicity(self) -> Periodicity | None:
        """A repeated pattern in the training loss, if there is one."""
        from trainclinic.signals.periodicity import periodicity_of

        return periodicity_of(self)

    @cached_property
    def forecast(self) -> Forecast | None:
        """Where the training loss is going, with an interval, or why that cannot be told."""
        from trainclinic.signals.forecast import forecast_of

        return forecast_of(self)

    @cached_property
    def throughput(self) -> Throughput | None:
        """How fast the run was at each moment, and the time it lost."""
        from trainclinic.signals.throughput import throughput_of

        return throughput_of(self)

    @cached_property
    def arithmetic(self) -> Arithmetic:
        """Relations between logged values that must hold."""
        from trainclinic.signals.arithmetic import arithmetic_of

        return arithmetic_of(self)

    @cached_property
    def resume(self) -> ResumeHistory | None:
        """Where the log goes on from earlier weights, and what the loss does there."""
        from trainclinic.signals.resume import resume_of

        return resume_of(self)

    @cached_property
    def resume_rates(self) -> tuple[RateAtResume, ...] | None:
        """The learning rate at each resume; `None` without a resume or a rate."""
        from trainclinic.signals.resume_rate import rates_at_resumes

        return rates_at_resumes(self)

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """The run beside each other run of its folder, or the columns of a table of runs beside its first one."""
        from trainclinic.signals.comparisons import pairs_of

        return pairs_of(self)

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """Every run of the folder that has losses, this one first."""
        from trainclinic.signals.comparisons import arms_of

        return arms_of(self)

    @cached_property
    def repeated_rises(self) -> tuple[RepeatedRise, ...]:
        """Resumes from before a rise of the loss, and whether it rises again."""
        from trainclinic.signals.repeated_rise import repeated_rises_of

        return repeated_rises_of(self)

    @cached_property
    def twin_losses(self) -> tuple[Twins, ...]:
        """Pairs of logged numbers that measure one thing, compared."""
        from trainclinic.signals.twin_losses import twin_losses_of

        return twin_losses_of(self)

    @cached_property
    def schedule_plan(self) -> PlanCheck | None:
        """Whether the logged learning rate follows the configured schedule."""
        from trainclinic.signals.schedule_plan import plan_check_of

        return plan_check_of(self)

    @cached_property
    def checkpoint_quality(self) -> CheckpointQuality | None:
        """Which saved weights to keep and which to distrust; `None` without checkpoints and evaluations."""
        from trainclinic.signals.checkpoint_quality import checkpoint_quality_of

        return checkpoint_quality_of(self)

    @cached_property
    def generated_texts(self) -> GeneratedTexts | None:
        """The recorded outputs of the model, measured; `None` when there are none."""
        from trainclinic.signals.generated_text import generated_texts_of

        return generated_texts_of(self)
