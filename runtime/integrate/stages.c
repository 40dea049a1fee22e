/* stages — a table in the form in which compiled code takes it (RtStages). */
#include "method.h"

#include <stdlib.h>

/* The vectors of a step are sums over earlier slopes: those of the stages, and behind them y at the end. */
static const double *weights(const RtTableau *T, int row) {
    return row == T->stages ? T->b : T->a[row];
}

static void fill_row(const RtTableau *T, int s, RtStageRow *row, RtStageTerm *term) {
    const double *weight = weights(T, s);
    row->c = s == T->stages ? 1 : T->c[s];
    row->term = term;
    row->last = weight[s - 1];
    int terms = 0;
    for (int j = 0; j < s - 1; j++)
        if (weight[j] != 0)
            term[terms++] = (RtStageTerm){weight[j], j};
    row->n = terms ? (terms + RT_STAGE_TERMS - 1) / RT_STAGE_TERMS : 1;
}

bool rt_rk_open_stages(RtIntegrator *g, const RtTableau *T, int rows) {
    struct Table {
        RtStages stages;
        RtStageRow row[RT_RK_STAGES];
        RtStageTerm term[RT_RK_STAGES][RT_RK_STAGES];
    };
    if (!g->ode.stages || g->ode.n > RT_STAGES_WIDTH)
        return true;
    struct Table *table = calloc(1, sizeof *table);
    if (!table)
        return false;
    for (int s = 1; s < rows; s++)
        fill_row(T, s, &table->row[s], table->term[s]);
    table->stages.final = T->stages;
    table->stages.row = table->row;
    g->stages = &table->stages;
    return true;
}

bool rt_rk_stages(RtIntegrator *g, int from, int to, const double *y, double t, double t1, double h) {
    RtStages *stages = g->stages;
    if (!stages)
        return false;
    stages->from = from;
    stages->to = to;
    stages->rows = to < g->tableau->stages ? g->tableau->stages + 1 : to + 1;
    stages->t = t;
    stages->t1 = t1;
    stages->h = h;
    stages->y = y;
    stages->at = g->y_new;
    stages->k = g->k;
    if (g->ode.stages(g->ode.context, stages) != RT_OK)
        return false;
    g->stats.evaluations += (uint64_t)(to - from + 1);
    return true;
}
